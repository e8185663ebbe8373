// Whether a program of all ranks computes its graph of values.
#pragma once

#include "moai/base/status.h"
#include "moai/compiler/lower/lower_rank.h"

namespace moai::compiler {

// Every node once, reading the versions that it reads from registers that are made and not yet
// overwritten; every placement follows from a rule or a move; nothing is left partial, and what the
// window leaves lies where it began. `in.graph` is verified.
Status verify_program(const Lowering& in);

}  // namespace moai::compiler
