#include "moai/compiler/analysis/learned_values.h"

#include <algorithm>

namespace moai::compiler {

std::vector<bool> learned_values(const ValueGraph& g, const Roles& roles) {
  std::vector<bool> learned(g.values.size());
  for (const ValueId v : g.inputs) {
    const Role role = roles.segments[g.values[v].segment];
    learned[v] = role != Role::kData && role != Role::kConstant;
  }
  for (const ValueNode& n : g.nodes) {
    const bool any = std::ranges::any_of(
        n.operands, [&](const Use& u) { return u.value != kNone && learned[u.value]; });
    for (const std::vector<Use>* uses : {&n.results, &n.operands}) {
      for (const Use& u : *uses) {
        if (u.made != kNone) learned[u.made] = any;
      }
    }
  }
  return learned;
}

}  // namespace moai::compiler
