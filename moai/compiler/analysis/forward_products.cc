#include "moai/compiler/analysis/forward_products.h"

#include <algorithm>
#include <map>
#include <optional>

namespace moai::compiler {
namespace {

using Places = std::vector<uint32_t>;

class Search {
 public:
  Search(const Dataflow& flow, const Factors& factors)
      : flow_(flow), graph_(flow.graph), factors_(factors), root_(graph_.values.size(), kNone) {
    found_.nodes.resize(graph_.nodes.size());
    found_.operands.resize(graph_.segments.size());
  }

  ForwardProducts run() {
    for (const ValueId v : graph_.inputs) root_[v] = graph_.values[v].segment;
    for (NodeId n = 0; n < graph_.nodes.size(); ++n) {
      if (flow_.flops[n] > 0) {
        product(n);
      } else {
        follow(n);
      }
    }
    return std::move(found_);
  }

 private:
  void follow(NodeId n) {
    const std::vector<ValueId>& read = flow_.read[n];
    if (read.size() > 1) return;
    for (const ValueId v : flow_.made[n]) {
      const SegmentId s = graph_.values[v].segment;
      if (read.empty()) {
        root_[v] = graph_.segments[s].released ? kNone : s;
      } else {
        root_[v] = root_[read[0]];
      }
    }
  }

  void product(NodeId n) {
    const ValueNode& node = graph_.nodes[n];
    for (size_t i = 0; i < node.operands.size(); ++i) {
      const ValueId v = node.operands[i].value;
      if (v == kNone || root_[v] == kNone) continue;
      const auto places = summed(n, i);
      if (!places) continue;
      const auto [first, is_new] = first_.try_emplace(root_[v], *places);
      if (first->second != *places) continue;
      found_.nodes[n] = true;
      found_.operands[root_[v]] = true;
    }
  }

  // Where the operand's factors stand that the first result does not show.
  std::optional<Places> summed(NodeId n, size_t operand) const {
    const NodeRule& r = factors_.rule(n);
    if (!r.known || r.rule.results.empty()) return std::nullopt;
    const ops::FactorDims& result = r.rule.results[0];
    const ops::FactorDims& dims = r.rule.operands[operand];
    Places places;
    for (const std::vector<ops::FactorIndex>& dim : dims) {
      for (const ops::FactorIndex f : dim) {
        const bool shown = std::ranges::any_of(
            result, [&](const auto& d) { return std::ranges::find(d, f) != d.end(); });
        if (shown) continue;
        for (size_t part = 0; part < r.parts[f].size(); ++part) {
          places.push_back(factors_.place(graph_.nodes[n].operands[operand], dims, n, f, part));
        }
      }
    }
    std::ranges::sort(places);
    return places;
  }

  const Dataflow& flow_;
  const ValueGraph& graph_;
  const Factors& factors_;
  std::vector<SegmentId> root_;  // by value: the source that it is, or kNone
  std::map<SegmentId, Places> first_;
  ForwardProducts found_;
};

}  // namespace

ForwardProducts forward_products(const Dataflow& flow, const Factors& factors) {
  return Search(flow, factors).run();
}

}  // namespace moai::compiler
