#include "moai/compiler/analysis/factor_touch.h"

#include <algorithm>

namespace moai::compiler {
namespace {

using Kind = FactorTouch::Kind;

bool is_used(const Use& u) { return u.value != kNone || u.made != kNone; }

Kind kind_of(ops::FactorKind kind) {
  switch (kind) {
    case ops::FactorKind::kParallel:
      return Kind::kParallel;
    case ops::FactorKind::kReduced:
      return Kind::kReduced;
    case ops::FactorKind::kIndexed:
      return Kind::kIndexed;
    case ops::FactorKind::kFrozen:
      return Kind::kFrozen;
  }
  return Kind::kFrozen;
}

}  // namespace

FactorTouch factor_touch(const ValueGraph& g, const Factors& factors, NodeId n, FactorId f) {
  const NodeRule& r = factors.rule(n);
  FactorTouch touch;
  bool found = false;
  for (ops::FactorIndex i = 0; i < r.parts.size(); ++i) {
    if (std::ranges::find(r.parts[i], f) == r.parts[i].end()) continue;
    const Kind kind = kind_of(r.rule.factors[i].kind);
    if (!found || touch.kind == Kind::kFrozen) {
      touch = {kind, i};
    } else if (kind != Kind::kFrozen) {
      touch.kind = Kind::kTwice;
    }
    found = true;
  }
  if (!found || !touch.splits()) return touch;
  const auto hidden = [&](const Use& u, const ops::FactorDims& dims) {
    if (!is_used(u) || !has_factor(factors, factors.segment(u), f)) return false;
    const std::vector<FactorId>& parts = r.parts[touch.rule_factor];
    const auto part = static_cast<size_t>(std::ranges::find(parts, f) - parts.begin());
    return factors.place(u, dims, n, touch.rule_factor, part) == kNone;
  };
  const ValueNode& node = g.nodes[n];
  for (size_t i = 0; i < node.operands.size(); ++i) {
    if (hidden(node.operands[i], r.rule.operands[i])) touch.kind = Kind::kHidden;
  }
  for (size_t i = 0; i < node.results.size(); ++i) {
    if (hidden(node.results[i], r.rule.results[i])) touch.kind = Kind::kHidden;
  }
  return touch;
}

std::vector<std::vector<NodeId>> nodes_by_factor(const ValueGraph& g, const Factors& factors) {
  std::vector<std::vector<NodeId>> found;
  for (NodeId n = 0; n < g.nodes.size(); ++n) {
    const auto add = [&](const Use& u) {
      if (!is_used(u)) return;
      for (const FactorId f : factors.of(factors.segment(u))) {
        if (found.size() <= f) found.resize(f + 1);
        if (found[f].empty() || found[f].back() != n) found[f].push_back(n);
      }
    };
    std::ranges::for_each(g.nodes[n].operands, add);
    std::ranges::for_each(g.nodes[n].results, add);
  }
  return found;
}

bool has_factor(const Factors& factors, SegmentId s, FactorId f) {
  return std::ranges::find(factors.of(s), f) != factors.of(s).end();
}

double segment_bytes(const ValueGraph& g, SegmentId s) {
  return static_cast<double>(g.segments[s].count) *
         static_cast<double>(tensor::dtype_size(g.segments[s].dtype));
}

}  // namespace moai::compiler
