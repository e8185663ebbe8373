// How a move must look as a call on a rank, and how a value is put back where it began.
#pragma once

#include <string>

#include "moai/compiler/lower/lower_rank.h"

namespace moai::compiler {

// The call that makes the move on the rank, any but a sum over ranks in place; `begin`: in bytes,
// where the register that is moved begins in its storage. The move is verified.
ops::CallSignature move_call(const Lowering& in, const MoveStep& m, int rank, int64_t begin);

// All that a rank has of a register, one element after another from `begin` bytes on.
tensor::Geometry flat_geometry(const Lowering& in, RegisterId r, int rank, int64_t begin);

}  // namespace moai::compiler
