#include "moai/compiler/sharding/strategies.h"

#include <algorithm>
#include <optional>

#include "moai/compiler/sharding/table_split.h"
#include "moai/ops/overwrites.h"
#include "moai/ops/share.h"

namespace moai::compiler {
namespace {

class Enumeration {
 public:
  Enumeration(const ValueGraph& g, const Factors& factors, NodeId n, int ranks)
      : graph_(g),
        factors_(factors),
        id_(n),
        node_(g.nodes[n]),
        rule_(factors.rule(n)),
        ranks_(ranks),
        made_(made_uses(node_)),
        written_(node_.written) {}

  std::vector<Strategy> all(const TakenParts& taken) {
    taken_ = &taken;
    found_.push_back(whole());
    const ops::CallSignature& s = node_.signature;
    if (ops::draws(s) && !ops::draws_by_element(s)) return std::move(found_);
    for (ops::FactorIndex f = 0; f < rule_.rule.factors.size(); ++f) {
      if (rule_.rule.factors[f].kind == ops::FactorKind::kFrozen) continue;
      for (uint32_t part = 0; part < rule_.parts[f].size(); ++part) {
        if (!taken.contains({f, part})) add(split(f, part));
      }
    }
    for (const ops::LinearOperands& l : rule_.rule.linear) add(linear(l));
    for (const ops::AccumulatingOperand& a : rule_.rule.accumulating) add(accumulating(a));
    return std::move(found_);
  }

 private:
  Strategy whole() const {
    return {.operands = std::vector(node_.operands.size(), replicated()),
            .made = std::vector(made_.size(), replicated())};
  }

  std::optional<Strategy> split(ops::FactorIndex f, uint32_t part) const {
    const ops::RuleFactor& factor = rule_.rule.factors[f];
    if (factors_.size(rule_.parts[f][part]) < ranks_) return std::nullopt;
    if (factor.kind == ops::FactorKind::kIndexed && !can_point(f, part)) return std::nullopt;
    Strategy s = whole();
    s.work = {AxisWork::Kind::kSplit, f, part};
    for (size_t i = 0; i < node_.operands.size(); ++i) {
      const uint32_t at = factors_.place(node_.operands[i], rule_.rule.operands[i], id_, f, part);
      if (at != kNone) s.operands[i] = split_at(at);
    }
    for (size_t i = 0; i < made_.size(); ++i) {
      const uint32_t at = factors_.place(*made_[i], rule_.rule.results[i], id_, f, part);
      const std::vector<ops::FactorIndex>& over = rule_.rule.partial[i];
      if (at != kNone) {
        s.made[i] = split_at(at);
      } else if (std::ranges::find(over, f) != over.end()) {
        s.made[i] = partial(factor.reduction);
      } else if (factor.kind == ops::FactorKind::kParallel && stands_in(rule_.rule.results[i], f)) {
        return std::nullopt;  // the result shows the factor in no way that can be split
      }
    }
    for (const ops::AccumulatingOperand& a : rule_.rule.accumulating) {
      const AxisPlacement& made = s.made[made_of(a.operand)];
      if (made == partial(a.reduction)) s.operands[a.operand] = made;
    }
    return s;
  }

  // A result without a parallel factor is the same on every rank.
  static bool stands_in(const ops::FactorDims& dims, ops::FactorIndex f) {
    return std::ranges::any_of(dims,
                               [&](const auto& d) { return std::ranges::find(d, f) != d.end(); });
  }

  // A share of a table is one run of its positions, and only one axis shares it.
  bool can_point(ops::FactorIndex f, uint32_t part) const {
    return part == 0 && !taken_any(f) && splittable_form(node_, rule_, f).has_value();
  }
  bool taken_any(ops::FactorIndex f) const {
    return std::ranges::any_of(*taken_, [&](const auto& t) {
      return rule_.rule.factors[t.first].kind == ops::FactorKind::kIndexed || t.first == f;
    });
  }

  std::optional<Strategy> linear(const ops::LinearOperands& l) const {
    Strategy s = whole();
    s.work.kind = AxisWork::Kind::kLinear;
    for (const uint16_t i : l.operands) s.operands[i] = partial(l.reduction);
    std::ranges::fill(s.made, partial(l.reduction));
    return s;
  }

  // All ranks find the same, and each adds it to its own: once more changes nothing.
  std::optional<Strategy> accumulating(const ops::AccumulatingOperand& a) const {
    if (!tensor::is_idempotent(a.reduction)) return std::nullopt;
    Strategy s = whole();
    s.work.kind = AxisWork::Kind::kLinear;
    s.operands[a.operand] = s.made[made_of(a.operand)] = partial(a.reduction);
    return s;
  }
  // Of a written operand, what is made in it.
  size_t made_of(uint16_t operand) const {
    const auto at = std::ranges::find(written_, operand);
    return made_.size() - written_.size() + static_cast<size_t>(at - written_.begin());
  }

  // A call writes into the register that it reads: both are placed alike.
  void add(std::optional<Strategy> s) {
    if (!s || moves_opaque(*s) || !can_resolve(*s)) return;
    const size_t fresh = made_.size() - written_.size();
    for (size_t w = 0; w < written_.size(); ++w) {
      const size_t i = written_[w];
      const AxisPlacement& made = s->made[fresh + w];
      if (node_.operands[i].value == kNone || s->operands[i] == made) continue;
      if (!s->operands[i].replicated()) return;
      s->operands[i] = made;  // of what stays as it was
      if (!only_written(i)) return;
    }
    found_.push_back(std::move(*s));
  }

  // What no view explains lies whole on every rank.
  bool moves_opaque(const Strategy& s) const {
    const auto moved = [](const Use& u, const AxisPlacement& p) {
      return !u.view && (u.value != kNone || u.made != kNone) && !p.replicated();
    };
    for (size_t i = 0; i < s.operands.size(); ++i) {
      if (moved(node_.operands[i], s.operands[i])) return true;
    }
    for (size_t i = 0; i < s.made.size(); ++i) {
      if (moved(*made_[i], s.made[i])) return true;
    }
    return false;
  }

  // Whether what becomes partial can be reduced.
  bool can_resolve(const Strategy& s) const {
    for (size_t i = 0; i < s.made.size(); ++i) {
      if (!s.made[i].partial() || made_[i]->made == kNone) continue;
      const Segment& segment = graph_.segments[graph_.values[made_[i]->made].segment];
      if (!tensor::can_reduce(segment.dtype, s.made[i].reduction)) return false;
    }
    return true;
  }

  // Whether the call leaves the operand's elements, where it does not overwrite them.
  bool only_written(size_t i) const { return filled_[i]; }

  const ValueGraph& graph_;
  const Factors& factors_;
  const NodeId id_;
  const ValueNode& node_;
  const NodeRule& rule_;
  const int ranks_;
  const std::vector<const Use*> made_;
  const std::vector<uint16_t>& written_;
  std::vector<bool> filled_ = ops::filled_operands(node_.signature);
  const TakenParts* taken_ = nullptr;
  std::vector<Strategy> found_;
};

}  // namespace

std::vector<const Use*> made_uses(const ValueNode& n) {
  std::vector<const Use*> made;
  made.reserve(n.results.size() + n.written.size());
  for (const Use& u : n.results) made.push_back(&u);
  for (const uint16_t i : n.written) made.push_back(&n.operands[i]);
  return made;
}

std::vector<Strategy> strategies(const ValueGraph& g, const Factors& factors, NodeId n, int ranks,
                                 const TakenParts& taken) {
  return Enumeration(g, factors, n, ranks).all(taken);
}

}  // namespace moai::compiler
