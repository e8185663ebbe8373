#include "moai/compiler/verify/placement_check.h"

#include <algorithm>
#include <optional>

#include "moai/compiler/verify/report.h"
#include "moai/ops/sharding/indexed.h"
#include "moai/ops/share.h"

namespace moai::compiler {
namespace {

// Where a tensor shows one part of a factor.
struct Shown {
  enum class Kind : uint8_t { kNot, kAt, kUnclear };
  Kind kind = Kind::kNot;
  uint32_t place = 0;
};

class CallPlacement {
 public:
  CallPlacement(const Lowering& in, const CallStep& step, const CallTensors& t)
      : in_(in), step_(step), t_(t), rule_(in.factors->rule(step.node)) {}

  std::string error() {
    for (size_t a = 0; a < step_.work.size(); ++a) {
      std::string what = axis_error(a);
      if (!what.empty()) return what + ", over " + in_.program->mesh.axes[a].name;
    }
    for (size_t j = 0; j < t_.made.size(); ++j) {
      const uint32_t i = t_.made[j].operand;
      if (i == kNone || step_.operands[i] == kNone || step_.made[j] == kNone) continue;
      if (placement(step_.operands[i]) != placement(step_.made[j])) {
        return "operand " + std::to_string(i) + " is written in place as " +
               to_string(placement(step_.made[j])) + " and read as " +
               to_string(placement(step_.operands[i]));
      }
    }
    return {};
  }

 private:
  const Placement& placement(RegisterId r) const { return in_.program->registers[r].placement; }

  std::string axis_error(size_t a) {
    const AxisWork& w = step_.work[a];
    switch (w.kind) {
      case AxisWork::Kind::kReplicated:
        return whole_error(a);
      case AxisWork::Kind::kLinear:
        return linear_error(a);
      case AxisWork::Kind::kAt:
        return stage_error(a, w.part);
      case AxisWork::Kind::kSplit:
        break;
    }
    std::string what = split_error(a, w);
    return what.empty() ? shares_error(a, w) : what;
  }

  // ---- what is wanted of one tensor

  std::string operand_error(size_t a, size_t i, const AxisPlacement& wanted) const {
    const RegisterId r = step_.operands[i];
    if (r == kNone || placement(r)[a] == wanted) return {};
    return "operand " + std::to_string(i) + " is " + register_text(in_, r) + ", not " +
           to_string({wanted}) + " as the rule wants";
  }
  std::string made_error(size_t a, size_t j, const AxisPlacement& wanted) const {
    const RegisterId r = step_.made[j];
    if (r == kNone || placement(r)[a] == wanted) return {};
    return "result " + std::to_string(j) + " is " + register_text(in_, r) + ", not " +
           to_string({wanted}) + " as the rule makes it";
  }

  std::string whole_error(size_t a) const { return same_error(a, replicated()); }
  std::string stage_error(size_t a, uint32_t stage) const {
    if (a != 0 || stage >= static_cast<uint32_t>(in_.program->mesh.stages())) {
      return "there is no stage " + std::to_string(stage);
    }
    return same_error(a, at_stage(stage));
  }
  std::string same_error(size_t a, const AxisPlacement& wanted) const {
    std::string what;
    for (size_t i = 0; i < t_.operands.size() && what.empty(); ++i) {
      what = operand_error(a, i, wanted);
    }
    for (size_t j = 0; j < t_.made.size() && what.empty(); ++j) {
      what = made_error(a, j, wanted);
    }
    return what;
  }

  std::string linear_error(size_t a) const {
    std::string what = "no operand passes a partial value";
    for (const ops::LinearOperands& l : rule_.rule.linear) {
      what.clear();
      for (size_t i = 0; i < t_.operands.size() && what.empty(); ++i) {
        const bool passes = std::ranges::find(l.operands, i) != l.operands.end();
        what = operand_error(a, i, passes || kept(i) ? partial(l.reduction) : replicated());
      }
      for (size_t j = 0; j < t_.made.size() && what.empty(); ++j) {
        what = made_error(a, j, partial(l.reduction));
      }
      if (what.empty()) return {};
    }
    const auto& all = rule_.rule.accumulating;
    const bool adds = std::ranges::any_of(
        all, [&](const ops::AccumulatingOperand& o) { return accumulating_error(a, o).empty(); });
    return adds ? "" : what;
  }
  // What all ranks find alike each adds to its own; a second time that changes nothing.
  std::string accumulating_error(size_t a, const ops::AccumulatingOperand& o) const {
    if (!tensor::is_idempotent(o.reduction)) return "it is added once by each rank";
    std::string what;
    for (size_t i = 0; i < t_.operands.size() && what.empty(); ++i) {
      what = operand_error(a, i, i == o.operand ? partial(o.reduction) : replicated());
    }
    for (size_t j = 0; j < t_.made.size() && what.empty(); ++j) {
      const bool into = t_.made[j].operand == o.operand;
      what = made_error(a, j, into ? partial(o.reduction) : replicated());
    }
    return what;
  }

  // Whether what a call finds in the operand is only what it leaves there.
  bool kept(size_t i) const { return t_.operands[i].filled; }

  // ---- split

  std::string split_error(size_t a, const AxisWork& w) const {
    const ops::ShardingRule& rule = rule_.rule;
    if (w.factor >= rule.factors.size() || w.part >= rule_.parts[w.factor].size()) {
      return "the rule has no factor " + std::to_string(w.factor) + "." + std::to_string(w.part);
    }
    const ops::FactorKind kind = rule.factors[w.factor].kind;
    if (kind == ops::FactorKind::kFrozen) return "a frozen factor is split";
    const int64_t size = in_.factors->size(rule_.parts[w.factor][w.part]);
    if (size < in_.program->mesh.axes[a].size) {
      return "a factor of " + std::to_string(size) + " is split, some ranks have none";
    }
    const ValueNode& node = in_.graph->nodes[step_.node];
    if (ops::draws(node.signature)) {
      // Its numbers belong to the elements of what it makes first.
      const auto stands = [&](const auto& d) { return std::ranges::find(d, w.factor) != d.end(); };
      const bool by_element = ops::draws_by_element(node.signature) && !t_.made.empty() &&
                              std::ranges::any_of(*t_.made[0].dims, stands);
      if (!by_element) return "a call is split that draws for the whole";
    }
    for (size_t other = 0; other < step_.work.size(); ++other) {
      const AxisWork& o = step_.work[other];
      if (other == a || o.kind != AxisWork::Kind::kSplit || o.factor >= rule.factors.size()) {
        continue;
      }
      if (o.factor == w.factor && o.part == w.part) return "two axes split one factor";
      const bool both = kind == ops::FactorKind::kIndexed && rule.factors[o.factor].kind == kind;
      if (both) return "two axes split a table";
    }
    if (kind != ops::FactorKind::kIndexed) return {};
    const bool has_form = ops::indexed_form(node.signature, rule, w.factor).has_value();
    return w.part == 0 && has_form ? "" : "a table is split that can only be read whole";
  }

  // Whether the call reduces what is in the operand with what it finds along the factor.
  bool accumulates(size_t i, ops::FactorIndex factor) const {
    const ops::ShardingRule& rule = rule_.rule;
    for (const ops::AccumulatingOperand& a : rule.accumulating) {
      if (a.operand != i || a.reduction != rule.factors[factor].reduction) continue;
      for (size_t j = 0; j < t_.made.size(); ++j) {
        if (t_.made[j].operand != i) continue;
        return std::ranges::find(rule.partial[j], factor) != rule.partial[j].end();
      }
    }
    return false;
  }
  std::string shares_error(size_t a, const AxisWork& w) const {
    const ops::RuleFactor& factor = rule_.rule.factors[w.factor];
    for (size_t i = 0; i < t_.operands.size(); ++i) {
      const CallOperand& o = t_.operands[i];
      if (o.use->value == kNone && o.use->made == kNone) continue;
      const Shown s = shown(*o.use, *o.dims, w, o.arg->written);
      if (s.kind == Shown::Kind::kUnclear) return unclear("operand", i);
      if (s.kind == Shown::Kind::kNot && kept(i)) continue;  // its result is checked
      AxisPlacement wanted = s.kind == Shown::Kind::kAt ? split_at(s.place) : replicated();
      if (s.kind == Shown::Kind::kNot && accumulates(i, w.factor))
        wanted = partial(factor.reduction);
      if (std::string what = operand_error(a, i, wanted); !what.empty()) return what;
    }
    for (size_t j = 0; j < t_.made.size(); ++j) {
      const CallMade& m = t_.made[j];
      if (m.use->made == kNone) continue;
      const Shown s = shown(*m.use, *m.dims, w, true);
      if (s.kind == Shown::Kind::kUnclear) return unclear("result", j);
      const std::vector<ops::FactorIndex>& over = rule_.rule.partial[j];
      AxisPlacement wanted = replicated();
      if (s.kind == Shown::Kind::kAt) {
        wanted = split_at(s.place);
      } else if (std::ranges::find(over, w.factor) != over.end()) {
        wanted = partial(factor.reduction);
      }
      if (std::string what = made_error(a, j, wanted); !what.empty()) return what;
    }
    return {};
  }

  static std::string unclear(const char* what, size_t i) {
    return std::string(what) + " " + std::to_string(i) + " shows the factor that is split in part";
  }

  Shown shown(const Use& use, const ops::FactorDims& dims, const AxisWork& w, bool written) const {
    Shown found;
    for (size_t d = 0; d < dims.size(); ++d) {
      const auto f = std::ranges::find(dims[d], w.factor);
      if (f == dims[d].end()) continue;
      if (!use.view) return {Shown::Kind::kUnclear, 0};
      const ViewDim& dim = use.view->dims[d];
      if (dim.kind == ViewDim::Kind::kBroadcast && !written) continue;
      if (dim.kind != ViewDim::Kind::kWhole || found.kind == Shown::Kind::kAt) {
        return {Shown::Kind::kUnclear, 0};
      }
      const auto place = place_in(use, dim.block, dims[d], w);
      if (!place) return {Shown::Kind::kUnclear, 0};
      found = {Shown::Kind::kAt, *place};
    }
    return found;
  }

  // The block is made of the factors of the dimension, in their order; the place of the one.
  std::optional<uint32_t> place_in(const Use& use, Block block,
                                   const std::vector<ops::FactorIndex>& dim,
                                   const AxisWork& w) const {
    const ValueId v = use.value != kNone ? use.value : use.made;
    const std::vector<FactorId>& list = in_.factors->of(in_.graph->values[v].segment);
    int64_t at = 1;
    size_t inner = list.size();
    while (at < block.low && inner > 0) at *= in_.factors->size(list[--inner]);
    if (at != block.low) return std::nullopt;
    std::optional<uint32_t> place;
    for (size_t k = dim.size(); k-- > 0;) {
      const std::vector<FactorId>& parts = rule_.parts[dim[k]];
      for (size_t p = parts.size(); p-- > 0;) {
        if (inner == 0) return std::nullopt;
        const FactorId f = list[--inner];
        at *= in_.factors->size(f);
        if (dim[k] != w.factor) continue;
        if (f != parts[p]) return std::nullopt;
        if (p == w.part) place = static_cast<uint32_t>(inner);
      }
    }
    return at == block.high ? place : std::nullopt;
  }

  const Lowering& in_;
  const CallStep& step_;
  const CallTensors& t_;
  const NodeRule& rule_;
};

std::string change_error(const AxisPlacement& from, const AxisPlacement& to, MoveKind kind) {
  using Kind = AxisPlacement::Kind;
  struct Row {
    MoveKind kind;
    Kind from, to;
  };
  constexpr Row kRows[] = {
      {MoveKind::kSlice, Kind::kReplicated, Kind::kSplit},
      {MoveKind::kMask, Kind::kReplicated, Kind::kPartial},
      {MoveKind::kAllGather, Kind::kSplit, Kind::kReplicated},
      {MoveKind::kAllToAll, Kind::kSplit, Kind::kSplit},
      {MoveKind::kAllReduce, Kind::kPartial, Kind::kReplicated},
      {MoveKind::kReduceScatter, Kind::kPartial, Kind::kSplit},
      {MoveKind::kTransfer, Kind::kAt, Kind::kAt},
      {MoveKind::kBroadcast, Kind::kAt, Kind::kReplicated},
      {MoveKind::kKeep, Kind::kReplicated, Kind::kAt},
  };
  const bool known = std::ranges::any_of(kRows, [&](const Row& row) {
    return row.kind == kind && row.from == from.kind && row.to == to.kind;
  });
  if (!known || from == to) {
    return "it leads from " + to_string({from}) + " to " + to_string({to});
  }
  // Zeros on the other ranks add nothing; what all have is its own maximum. Of other reductions
  // neither holds.
  const bool masks = to.reduction == ops::Reduction::kSum || tensor::is_idempotent(to.reduction);
  if (kind == MoveKind::kMask && !masks) {
    return "neither zeros nor the value itself leave a partial value of its kind as it was";
  }
  return {};
}

}  // namespace

std::string placement_error(const Lowering& in, RegisterId r) {
  const Register& reg = in.program->registers[r];
  const Mesh& mesh = in.program->mesh;
  const auto error = [&](const std::string& what) { return register_text(in, r) + " " + what; };
  if (reg.placement.size() != mesh.axes.size()) return error("has another number of axes");
  const std::vector<FactorId>& list = in.factors->of(in.graph->values[reg.value].segment);
  std::optional<ops::Reduction> reduction;
  for (size_t a = 0; a < reg.placement.size(); ++a) {
    const AxisPlacement& p = reg.placement[a];
    if (p.partial()) {
      if (reduction && *reduction != p.reduction) return error("is partial in two ways");
      reduction = p.reduction;
    }
    if (a == 0 && mesh.has_stages() && !p.replicated() && !p.at()) {
      return error("is shared among stages");
    }
    if (p.at() && (a != 0 || p.place >= static_cast<uint32_t>(mesh.stages()))) {
      return error("lies at a stage that there is not");
    }
    if (!p.split()) continue;
    if (p.place >= list.size()) return error("is split where there is no factor");
    if (in.factors->size(list[p.place]) < mesh.axes[a].size) return error("leaves ranks nothing");
    for (size_t other = 0; other < a; ++other) {
      if (reg.placement[other] == p) return error("has a factor split by two axes");
    }
  }
  return {};
}

std::string call_placement_error(const Lowering& in, const CallStep& step, const CallTensors& t) {
  return CallPlacement(in, step, t).error();
}

std::string move_error(const Lowering& in, const MoveStep& m) {
  const Register& from = in.program->registers[m.from];
  const Register& to = in.program->registers[m.to];
  if (from.value != to.value) return "it makes another value, " + register_text(in, m.to);
  if (m.axis >= in.program->mesh.axes.size()) return "there is no such axis";
  for (size_t a = 0; a < from.placement.size(); ++a) {
    if (a != m.axis && from.placement[a] != to.placement[a]) {
      return "it changes another axis, to " + register_text(in, m.to);
    }
  }
  return change_error(from.placement[m.axis], to.placement[m.axis], m.kind);
}

}  // namespace moai::compiler
