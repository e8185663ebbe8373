#include "moai/compiler/analysis/dataflow.h"

#include <algorithm>
#include <unordered_map>

#include "moai/compiler/cost/call_work.h"

namespace moai::compiler {

Dataflow::Dataflow(const ValueGraph& g)
    : graph(g),
      readers(g.values.size()),
      made(g.nodes.size()),
      read(g.nodes.size()),
      flops(g.nodes.size()),
      input(g.segments.size()),
      written(g.segments.size()) {
  std::unordered_map<uint32_t, double> flops_of;  // by class
  for (NodeId n = 0; n < g.nodes.size(); ++n) {
    const ValueNode& node = g.nodes[n];
    for (const Use& u : node.operands) {
      if (u.value == kNone || std::ranges::find(read[n], u.value) != read[n].end()) continue;
      read[n].push_back(u.value);
      readers[u.value].push_back(n);
    }
    for (const std::vector<Use>* uses : {&node.results, &node.operands}) {
      for (const Use& u : *uses) {
        if (u.made != kNone) made[n].push_back(u.made);
      }
    }
    const auto [known, is_new] = flops_of.try_emplace(node.alike);
    if (is_new) known->second = cost::call_work(node.signature).flops;
    flops[n] = known->second;
  }
  for (const ValueId v : g.inputs) input[g.values[v].segment] = true;
  for (const ValueId v : g.outputs) written[g.values[v].segment] = true;
}

}  // namespace moai::compiler
