// How what goes from one pipeline stage to another must look as a call on a rank.
#pragma once

#include "moai/compiler/lower/lower_rank.h"

namespace moai::compiler {

inline bool crosses_stages(MoveKind k) {
  return k == MoveKind::kSend || k == MoveKind::kReceive || k == MoveKind::kBroadcast;
}

// Of a program of one stage. `begin`: in bytes, where the register that is sent begins in its
// storage; what is received begins at 0.
ops::CallSignature stage_move_call(const Lowering& in, const MoveStep& m, int rank, int64_t begin);

}  // namespace moai::compiler
