#include "moai/compiler/cost/collective_call.h"

#include <algorithm>
#include <string_view>

#include "moai/ops/call_tensors.h"

namespace moai::compiler::cost {
namespace {

using cluster::Collective;

struct Row {
  std::string_view op;
  Collective kind;
};
constexpr Row kRows[] = {
    {"moai::all_reduce", Collective::kAllReduce},
    {"moai::all_gather", Collective::kAllGather},
    {"moai::reduce_scatter", Collective::kReduceScatter},
    {"moai::all_to_all", Collective::kAllToAll},
    {"moai::send", Collective::kSend},
    {"moai::receive", Collective::kSend},
    {"moai::broadcast", Collective::kSend},
};

uint64_t bytes_of(const tensor::Geometry& g) {
  return static_cast<uint64_t>(tensor::element_count(g)) * tensor::dtype_size(g.dtype);
}

}  // namespace

std::optional<CollectiveCall> collective_call(const ops::CallSignature& s) {
  for (const Row& row : kRows) {
    if (s.op != row.op || s.args.empty() || s.args.back().ints.empty()) continue;
    CollectiveCall c{.kind = row.kind, .axis = static_cast<uint32_t>(s.args.back().ints[0])};
    uint64_t operands = 0;
    for (const ops::Arg* a : ops::tensor_operands(s)) operands += bytes_of(a->geometry);
    for (const ops::Result* r : ops::fresh_results(s)) c.received_bytes += bytes_of(r->geometry);
    if (row.kind == Collective::kAllReduce) c.received_bytes = operands;
    c.bytes = row.kind == Collective::kAllGather ? c.received_bytes : operands;
    if (row.kind == Collective::kSend) c.bytes = std::max(operands, c.received_bytes);
    return c;
  }
  return std::nullopt;
}

}  // namespace moai::compiler::cost
