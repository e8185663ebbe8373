#include "moai/compiler/planner/tensor_factors.h"

#include <algorithm>
#include <set>

#include "moai/compiler/analysis/factor_touch.h"
#include "moai/ops/sharding/expansion.h"

namespace moai::compiler {
namespace {

// What a split along one factor reduces or gathers, walked from call to call.
class Walk {
 public:
  Walk(const Dataflow& flow, const Factors& factors, FactorId f)
      : flow_(flow), graph_(flow.graph), factors_(factors), factor_(f) {}

  double bytes(const std::vector<NodeId>& nodes) {
    std::set<NodeId> todo(nodes.begin(), nodes.end());
    while (!todo.empty()) {
      const NodeId n = *todo.begin();
      todo.erase(todo.begin());
      visit(n);
      for (const ValueId v : flow_.made[n]) {
        if (partial_.contains(v)) todo.insert(flow_.readers[v][0]);
      }
    }
    return bytes_;
  }

 private:
  bool has(ValueId v) const { return has_factor(factors_, segment(v), factor_); }
  SegmentId segment(ValueId v) const { return graph_.values[v].segment; }
  double size(ValueId v) const { return segment_bytes(graph_, segment(v)); }

  void visit(NodeId n) {
    const bool passes = pass_partial(n);
    const auto with = [&](const std::vector<ValueId>& values) {
      return std::ranges::any_of(values, [&](ValueId v) { return has(v); });
    };
    if (!with(flow_.read[n]) && !with(flow_.made[n])) {
      if (passes) std::ranges::for_each(flow_.made[n], [&](ValueId v) { make_partial(v); });
      return;
    }
    const FactorTouch touch = factor_touch(graph_, factors_, n, factor_);
    if (touch.splits()) return split(n, touch);
    const bool frozen = touch.kind == FactorTouch::Kind::kFrozen;
    if (frozen && ops::expand(graph_.nodes[n].signature)) return expanded(n);
    for (const ValueId v : flow_.read[n]) {
      if (has(v)) bytes_ += size(v);
    }
  }

  void split(NodeId n, const FactorTouch& touch) {
    if (touch.kind == FactorTouch::Kind::kParallel) return;
    const std::vector<std::vector<ops::FactorIndex>>& over = factors_.rule(n).rule.partial;
    const ValueNode& node = graph_.nodes[n];
    for (size_t i = 0; i < node.results.size(); ++i) {
      const ValueId v = node.results[i].made;
      const bool partial = std::ranges::find(over[i], touch.rule_factor) != over[i].end();
      if (v != kNone && !has(v) && partial) make_partial(v);
    }
  }

  // Results without the factor are sums; those with it need statistics over it.
  void expanded(NodeId n) {
    for (const ValueId v : flow_.made[n]) {
      bytes_ += has(v) ? 2 * size(v) / static_cast<double>(factors_.size(factor_)) : size(v);
    }
  }

  // Whether partial operands pass to the results; else they are resolved.
  bool pass_partial(NodeId n) {
    const ValueNode& node = graph_.nodes[n];
    std::vector<uint16_t> partial;
    for (uint16_t i = 0; i < node.operands.size(); ++i) {
      if (partial_.contains(node.operands[i].value)) partial.push_back(i);
    }
    if (partial.empty()) return false;
    for (const ops::LinearOperands& l : factors_.rule(n).rule.linear) {
      if (l.reduction == ops::Reduction::kSum && std::ranges::is_permutation(l.operands, partial)) {
        return true;
      }
    }
    std::set<ValueId> resolved;
    for (const uint16_t i : partial) resolved.insert(node.operands[i].value);
    for (const ValueId v : resolved) bytes_ += size(v);
    return false;
  }

  // A value that is read more than once, or not here, is resolved.
  void make_partial(ValueId v) {
    if (flow_.readers[v].size() == 1) {
      partial_.insert(v);
    } else {
      bytes_ += size(v);
    }
  }

  const Dataflow& flow_;
  const ValueGraph& graph_;
  const Factors& factors_;
  const FactorId factor_;
  std::set<ValueId> partial_;
  double bytes_ = 0;
};

}  // namespace

TensorFactors::TensorFactors(const ValueGraph& g, const Factors& factors, const Roles& roles)
    : factors_(factors), flow_(g), nodes_(nodes_by_factor(g, factors)) {
  flops_ = flow_.flops;
  std::set<FactorId> weights;
  for (SegmentId s = 0; s < g.segments.size(); ++s) {
    if (roles.segments[s] != Role::kParameter || !roles.multiplied[s]) continue;
    weights.insert(factors.of(s).begin(), factors.of(s).end());
  }
  for (const std::vector<FactorId>* list : {&roles.batch, &roles.sequence}) {
    for (const FactorId f : *list) weights.erase(f);
  }
  for (const FactorId f : weights) candidates_.push_back(evaluate(f));
}

TensorFactors::Candidate TensorFactors::evaluate(FactorId f) const {
  Candidate c{.factor = f};
  c.bytes = Walk(flow_, factors_, f).bytes(nodes_[f]);
  for (const NodeId n : nodes_[f]) {
    if (flops_[n] > 0 && factor_touch(flow_.graph, factors_, n, f).splits())
      c.products.push_back(n);
  }
  return c;
}

std::vector<FactorId> TensorFactors::choose(int ranks) const {
  struct Ranked {
    double price = 0;
    const Candidate* candidate = nullptr;
  };
  std::vector<Ranked> ranked;
  for (const Candidate& c : candidates_) {
    const int64_t size = factors_.size(c.factor);
    double work = 0;
    for (const NodeId n : c.products) work += flops_[n];
    if (size < ranks || work == 0) continue;
    const int64_t largest = (size + ranks - 1) / ranks;
    const double saved = work * (1 - static_cast<double>(largest) / static_cast<double>(size));
    ranked.push_back({c.bytes / saved, &c});
  }
  std::ranges::stable_sort(ranked, {}, &Ranked::price);
  std::vector<bool> covered(flops_.size());
  std::vector<FactorId> chosen;
  for (const Ranked& r : ranked) {
    const std::vector<NodeId>& products = r.candidate->products;
    if (std::ranges::any_of(products, [&](NodeId n) { return covered[n]; })) continue;
    for (const NodeId n : products) covered[n] = true;
    chosen.push_back(r.candidate->factor);
  }
  return chosen;
}

}  // namespace moai::compiler
