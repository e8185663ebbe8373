#include "moai/compiler/sharding/drawn_shares.h"

#include <algorithm>
#include <optional>
#include <set>

#include "moai/compiler/sharding/strategies.h"
#include "moai/ops/share.h"

namespace moai::compiler {
namespace {

// What is wanted of a register that an axis has replicated.
struct Wanted {
  bool all = false;
  std::optional<uint32_t> place{};  // shares of the factor there
  // Who does not care can only take shares of these; nothing: any.
  std::optional<std::set<uint32_t>> possible{};

  bool nothing() const { return !all && !place; }
  bool takes(uint32_t p) const {
    return !all && (!place || *place == p) && (!possible || possible->contains(p));
  }
  void also(const Wanted& other) {
    all |= other.all || (place && other.place && *place != *other.place);
    if (!place) place = other.place;
    if (!possible) {
      possible = other.possible;
    } else if (other.possible) {
      std::erase_if(*possible, [&](uint32_t p) { return !other.possible->contains(p); });
    }
    all |= place && possible && !possible->contains(*place);
  }
};
const Wanted kAll{.all = true};

bool reads_nothing(const ValueNode& n) {
  return std::ranges::all_of(n.operands, [](const Use& u) { return u.value == kNone; });
}

// Goes from the end to the beginning: what reads a register comes after what makes it.
class Backwards {
 public:
  Backwards(const ValueGraph& g, const Factors& factors, const SpmdProgram& program, size_t axis)
      : graph_(g),
        factors_(factors),
        program_(program),
        axis_(axis),
        wanted_(program.registers.size()) {}

  void run(const std::vector<bool>& pinned, DrawnShares* out) {
    for (size_t i = 0; i < program_.outputs.size(); ++i) {
      if (pinned[i]) want(program_.outputs[i], kAll);
    }
    for (size_t i = program_.steps.size(); i-- > 0;) {
      if (const auto* m = std::get_if<MoveStep>(&program_.steps[i])) {
        move(*m);
      } else {
        call(std::get<CallStep>(program_.steps[i]), out);
      }
    }
  }

 private:
  void want(RegisterId r, const Wanted& wanted) {
    if (r != kNone) wanted_[r].also(wanted);
  }

  void move(const MoveStep& m) {
    if (m.axis != axis_) return want(m.from, wanted_[m.to]);
    const AxisPlacement& to = program_.registers[m.to].placement[axis_];
    want(m.from, m.kind == MoveKind::kSlice ? Wanted{.place = to.place} : kAll);
  }

  void call(const CallStep& step, DrawnShares* out) {
    const ValueNode& n = graph_.nodes[step.node];
    std::vector<Strategy> ways;
    if (step.work[axis_].kind == AxisWork::Kind::kReplicated) ways = in_shares(step);
    const bool wanted = std::ranges::any_of(
        step.made, [&](RegisterId r) { return r != kNone && !wanted_[r].nothing(); });
    for (size_t i = 0; i < step.operands.size(); ++i) {
      Wanted of_operand{.all = ways.empty(), .possible = std::set<uint32_t>()};
      for (const Strategy& way : ways) {
        if (way.operands[i].split()) of_operand.possible->insert(way.operands[i].place);
      }
      if (wanted && of_operand.possible->size() == 1)
        of_operand.place = *of_operand.possible->begin();
      if (wanted && of_operand.possible->empty()) of_operand.all = true;
      want(step.operands[i], of_operand);
    }
    if (!wanted || ways.empty() || !ops::draws(n.signature) || !reads_nothing(n)) return;
    auto& work = (*out)[step.node];
    work.resize(program_.mesh.axes.size());
    work[axis_] = ways[0].work;
  }

  // The ways in which the call makes shares that are wanted of all that it makes.
  std::vector<Strategy> in_shares(const CallStep& step) const {
    auto all = strategies(graph_, factors_, step.node, program_.mesh.axes[axis_].size, {});
    std::erase_if(all, [&](const Strategy& s) {
      if (s.work.kind != AxisWork::Kind::kSplit) return true;
      for (size_t i = 0; i < step.made.size(); ++i) {
        const RegisterId r = step.made[i];
        if (r == kNone) continue;
        const bool is_free = wanted_[r].nothing() && !wanted_[r].possible;
        if (!is_free && !(s.made[i].split() && wanted_[r].takes(s.made[i].place))) return true;
      }
      return false;
    });
    return all;
  }

  const ValueGraph& graph_;
  const Factors& factors_;
  const SpmdProgram& program_;
  const size_t axis_;
  std::vector<Wanted> wanted_;  // by register
};

}  // namespace

DrawnShares drawn_shares(const ValueGraph& g, const Factors& factors, const SpmdProgram& program,
                         const std::vector<bool>& pinned) {
  DrawnShares out;
  const bool any = std::ranges::any_of(
      g.nodes, [](const ValueNode& n) { return reads_nothing(n) && ops::draws(n.signature); });
  if (!any) return out;
  for (size_t axis = program.mesh.has_stages() ? 1 : 0; axis < program.mesh.axes.size(); ++axis) {
    Backwards(g, factors, program, axis).run(pinned, &out);
  }
  return out;
}

}  // namespace moai::compiler
