#include "moai/compiler/planner/layout.h"

#include <algorithm>

#include "moai/compiler/planner/rule_parts.h"
#include "moai/compiler/sharding/share_place.h"
#include "moai/compiler/sharding/strategies.h"

namespace moai::compiler {
namespace {

class Layout {
 public:
  Layout(const ValueGraph& g, const Factors& factors, const Roles& roles, const Degrees& degrees)
      : graph_(g), factors_(factors), roles_(roles), degrees_(degrees) {
    plan_.mesh = mesh_of(degrees);
    plan_.policies.resize(plan_.mesh.axes.size());
    for (size_t a = 0; a < plan_.mesh.axes.size(); ++a) {
      if (plan_.mesh.axes[a].name == "dp") dp_ = a;
      if (plan_.mesh.axes[a].name == "cp") cp_ = a;
      if (plan_.mesh.axes[a].name == "tp") tp_ = a;
    }
    plan_.batch = roles.batch;
    if (cp_) plan_.batch.insert(plan_.batch.end(), roles.sequence.begin(), roles.sequence.end());
    plan_.chunks = degrees.schedule.chunks;
  }

  LayoutPlan run(const TensorFactors& tensor) {
    if (tp_) split_weights(tensor.choose(degrees_.tp));
    if (dp_) split_data(*dp_, roles_.batch);
    if (cp_) split_context();
    for (const auto& axis : {dp_, cp_}) {
      if (axis) share_states(*axis);
    }
    return std::move(plan_);
  }

 private:
  void split(SegmentId s, size_t axis, uint32_t place) {
    Placement& home = plan_.home.try_emplace(s, Placement(plan_.mesh.axes.size())).first->second;
    home[axis] = split_at(place);
  }
  bool is(SegmentId s, std::initializer_list<Role> roles) const {
    return std::ranges::find(roles, roles_.segments[s]) != roles.end();
  }

  void split_weights(const std::vector<FactorId>& chosen) {
    AxisPolicy& policy = plan_.policies[*tp_];
    policy.keeps = AxisPolicy::Keeps::kWeights;
    if (degrees_.sp && !cp_) policy.scatters = roles_.sequence;
    for (SegmentId s = 0; s < graph_.segments.size(); ++s) {
      if (!is(s, {Role::kParameter, Role::kState, Role::kGradient, Role::kBuffer})) continue;
      split_along(s, *tp_, chosen);
    }
  }
  void split_data(size_t axis, const std::vector<FactorId>& along) {
    for (SegmentId s = 0; s < graph_.segments.size(); ++s) {
      if (is(s, {Role::kData})) split_along(s, axis, along);
    }
  }
  void split_context() {
    AxisPolicy& policy = plan_.policies[*cp_];
    policy.keeps = AxisPolicy::Keeps::kNothing;
    policy.scatters = roles_.sequence;
    policy.avoids = roles_.batch;
    split_data(*cp_, roles_.sequence);
    enter_sequence();
  }
  // Calls that make a sequence of data that shows none: of a piece of it, or without a rule.
  void enter_sequence() {
    std::vector<bool> of_data(graph_.values.size());
    for (const ValueId v : graph_.inputs) {
      of_data[v] = is(graph_.values[v].segment, {Role::kData});
    }
    const auto axis = static_cast<uint32_t>(*cp_);
    for (NodeId n = 0; n < graph_.nodes.size(); ++n) {
      const ValueNode& node = graph_.nodes[n];
      const auto reads_data = [&](const Use& u) { return u.value != kNone && of_data[u.value]; };
      if (!std::ranges::any_of(node.operands, reads_data)) continue;
      const bool splits = has_any(factors_.rule(n), false, roles_.sequence);
      for (const Use* u : made_uses(node)) {
        if (u->made == kNone) continue;
        of_data[u->made] = true;
        const auto place =
            splits ? std::nullopt : place_of(graph_.values[u->made].segment, *cp_, roles_.sequence);
        if (place) plan_.entries[u->made] = {axis, *place};
      }
    }
  }
  // Along the outermost of these factors that the segment has.
  void split_along(SegmentId s, size_t axis, const std::vector<FactorId>& chosen) {
    if (const auto place = place_of(s, axis, chosen)) split(s, axis, *place);
  }
  std::optional<uint32_t> place_of(SegmentId s, size_t axis,
                                   const std::vector<FactorId>& chosen) const {
    const std::vector<FactorId>& list = factors_.of(s);
    for (uint32_t place = 0; place < list.size(); ++place) {
      if (factors_.size(list[place]) < plan_.mesh.axes[axis].size) continue;
      if (std::ranges::find(chosen, list[place]) != chosen.end()) return place;
    }
    return std::nullopt;
  }

  void share_states(size_t axis) {
    const int zero = degrees_.zero;
    plan_.policies[axis].scatters_gradients = zero >= 2;
    if (zero >= 3) plan_.regather = roles_.backward_begin;
    for (SegmentId s = 0; s < graph_.segments.size(); ++s) {
      const bool shared = (zero >= 1 && is(s, {Role::kState})) ||
                          (zero >= 2 && is(s, {Role::kGradient})) ||
                          (zero >= 3 && is(s, {Role::kParameter}));
      if (!shared) continue;
      const auto home = plan_.home.find(s);
      const Placement taken = home == plan_.home.end() ? Placement{} : home->second;
      const auto place = share_place(factors_, factors_.of(s), taken, plan_.mesh.axes[axis].size);
      if (place) split(s, axis, *place);
    }
  }

  const ValueGraph& graph_;
  const Factors& factors_;
  const Roles& roles_;
  const Degrees degrees_;
  std::optional<size_t> dp_, cp_, tp_;
  LayoutPlan plan_;
};

}  // namespace

LayoutPlan layout(const ValueGraph& g, const Factors& factors, const Roles& roles,
                  const TensorFactors& tensor, const Degrees& degrees) {
  return Layout(g, factors, roles, degrees).run(tensor);
}

}  // namespace moai::compiler
