#include "moai/compiler/planner/plan_window.h"

#include <algorithm>

#include "moai/compiler/passes/expand_calls.h"
#include "moai/compiler/sharding/partition.h"
#include "moai/ops/sharding/expansion.h"

namespace moai::compiler {
namespace {

// Where a call is expanded the next may move what it did not before.
constexpr int kRoundsMax = 6;

std::vector<uint32_t> worth_expanding(const PlannedWindow& w,
                                      const graph::SignatureTable& signatures) {
  std::vector<uint32_t> calls = calls_that_move(w.analysed->graph, w.program);
  std::erase_if(calls, [&](uint32_t i) {
    const graph::Node& n = w.analysed->window.nodes[i];
    return !ops::expand(signatures.at(n.signature).signature());
  });
  return calls;
}

graph::StorageId first_free(const graph::Window& w, graph::StorageId from) {
  for (const graph::StorageId id : w.storages) from = std::max(from, id + 1);
  return from;
}

}  // namespace

PlannedWindow plan_window(graph::Window window, const std::vector<graph::StorageId>& uploaded,
                          const MakeLayout& make, graph::StorageId first_temporary,
                          graph::SignatureTable* signatures) {
  PlannedWindow out;
  for (int round = 0;; ++round) {
    out.analysed = std::make_unique<Analysed>(std::move(window), *signatures);
    const Analysed& w = *out.analysed;
    out.roles = find_roles(w.graph, w.factors, uploaded);
    out.plan = make(w, out.roles);
    out.program = partition(w.graph, w.factors, out.plan);
    out.next_temporary = first_free(w.window, first_temporary);
    if (round == kRoundsMax) return out;
    const std::vector<uint32_t> calls = worth_expanding(out, *signatures);
    if (calls.empty()) return out;
    window = expand_calls(w.window, calls, out.next_temporary, signatures);
  }
}

PlannedWindow plan_window(graph::Window window, const std::vector<graph::StorageId>& uploaded,
                          const Degrees& degrees, graph::StorageId first_temporary,
                          graph::SignatureTable* signatures) {
  const MakeLayout make = [&](const Analysed& w, const Roles& roles) {
    const TensorFactors tensor(w.graph, w.factors, roles);
    return layout(w.graph, w.factors, roles, tensor, degrees);
  };
  return plan_window(std::move(window), uploaded, make, first_temporary, signatures);
}

}  // namespace moai::compiler
