#include "moai/compiler/verify/stage_moves.h"

#include "moai/compiler/verify/move_match.h"
#include "moai/ops/call_build.h"

namespace moai::compiler {

ops::CallSignature stage_move_call(const Lowering& in, const MoveStep& m, int rank, int64_t begin) {
  ops::CallSignature call{.op = "moai::" + std::string(name(m.kind)), .overload = ""};
  if (m.from != kNone) {
    call.args.push_back(ops::of_tensor(flat_geometry(in, m.from, rank, begin)));
    call.results = {{.kind = ops::ResultKind::kIgnored}};
  } else {
    call.results = {ops::of_fresh(flat_geometry(in, m.to, rank, 0))};
  }
  call.args.push_back(ops::of_int(m.peer));
  call.args.push_back(ops::of_int(m.axis));
  return call;
}

}  // namespace moai::compiler
