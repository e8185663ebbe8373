#include "moai/compiler/sharding/move_cost.h"

#include <algorithm>
#include <limits>

#include "moai/compiler/sharding/share_place.h"

namespace moai::compiler {
namespace {

constexpr double kNever = std::numeric_limits<double>::infinity();

// In units of the bytes that a move carries.
constexpr double kTaboo = 1e4;         // against the policy of the axis
constexpr double kSlicePrice = 1e-6;   // a copy, nothing travels
constexpr double kMaskPrice = 3;       // keeps what is whole from becoming partial
constexpr double kForkPrice = 2.5;     // a partial value that is read twice is resolved first
constexpr double kAvoided = 1.5;       // to shares of a factor that is other axes'
constexpr double kStrayScatter = 2.2;  // a reduce-scatter that nobody asked for: over an all-reduce

}  // namespace

MoveCost::MoveCost(const ValueGraph& g, const Factors& factors, const LayoutPlan& plan)
    : graph_(g), factors_(factors), plan_(plan), readers_(g.values.size(), 0) {
  for (const FactorId f : plan.batch) {
    if (batch_.size() <= f) batch_.resize(f + 1);
    batch_[f] = true;
  }
  for (const ValueNode& n : g.nodes) {
    std::vector<ValueId> read;
    for (const Use& u : n.operands) {
      if (u.value != kNone && std::ranges::find(read, u.value) == read.end()) {
        read.push_back(u.value);
        ++readers_[u.value];
      }
    }
  }
}

double MoveCost::of(ValueId v, const Placement& from, const Placement& wanted) const {
  double sum = 0;
  for (size_t a = 0; a < from.size(); ++a) sum += on_axis(a, v, from[a], wanted);
  return sum;
}

double MoveCost::on_axis(size_t axis, ValueId v, const AxisPlacement& from,
                         const Placement& wanted) const {
  const AxisPlacement& to = wanted[axis];
  if (from.at() || to.at()) {  // what all stages have is at each
    return from == to || from.replicated() ? 0 : bytes(v, wanted, axis);
  }
  if (from == to && !(from.partial() && readers_[v] > 1)) return 0;
  if (to.split()) {  // one axis a factor
    for (size_t a = 0; a < wanted.size(); ++a) {
      if (a != axis && wanted[a] == to) return kNever;
    }
  }
  const double b = bytes(v, wanted, axis);
  const double n = plan_.mesh.axes[axis].size;
  if (from.replicated()) {
    if (to.split()) return kSlicePrice * b * (is_avoided(axis, v, to) ? kAvoided : 1);
    const bool masks = to.reduction == ops::Reduction::kSum || tensor::is_idempotent(to.reduction);
    return masks ? kMaskPrice * b : kNever;
  }
  if (to.partial()) return from == to ? kForkPrice * b : kNever;
  const double w = weight(axis, v, from, wanted);
  const double share = b * (n - 1) / n;
  if (from.split()) return to.replicated() ? w * share : w * share / n;
  if (to.replicated()) return w * 2 * share;
  return from.reduction == ops::Reduction::kSum ? w * share : kNever;
}

double MoveCost::of_sum(size_t axis, ValueId v, const Placement& made) const {
  const double n = plan_.mesh.axes[axis].size;
  const AxisPolicy& policy = plan_.policies[axis];
  const double share = bytes(v, made, axis) * (n - 1) / n;
  if (policy.keeps == AxisPolicy::Keeps::kNothing) return is_activation(v) ? share : 0;
  return policy.scatters.empty() || is_activation(v) ? 0 : 2 * share;
}

double MoveCost::of_share(size_t axis, ValueId v, const ValueNode& n) const {
  if (plan_.policies[axis].keeps != AxisPolicy::Keeps::kNothing || is_activation(v)) return 0;
  const bool of_activations = std::ranges::any_of(
      n.operands, [&](const Use& u) { return u.value != kNone && is_activation(u.value); });
  return of_activations ? kTaboo * bytes(v, {}, axis) : 0;
}

double MoveCost::bytes(ValueId v, const Placement& p, size_t without_axis) const {
  const Segment& s = graph_.segments[graph_.values[v].segment];
  double n = static_cast<double>(s.count) * static_cast<double>(tensor::dtype_size(s.dtype));
  for (size_t a = 0; a < p.size(); ++a) {
    if (a != without_axis && p[a].split()) n /= plan_.mesh.axes[a].size;
  }
  return n;
}

double MoveCost::weight(size_t axis, ValueId v, const AxisPlacement& from,
                        const Placement& wanted) const {
  const AxisPolicy& policy = plan_.policies[axis];
  const AxisPlacement& to = wanted[axis];
  const bool activation = is_activation(v);
  if (from.split()) {
    if (policy.keeps == AxisPolicy::Keeps::kNothing) {
      return to.split() && is_avoided(axis, v, to) ? kAvoided : 1;
    }
    const bool keeps = (policy.keeps == AxisPolicy::Keeps::kActivations) == activation;
    return keeps ? kTaboo : 1;
  }
  if (to.replicated()) return 1;
  if (policy.scatters_gradients && !activation && is_share(axis, v, wanted)) return 1;
  const FactorId f = factors_.of(graph_.values[v].segment)[to.place];
  return std::ranges::find(policy.scatters, f) != policy.scatters.end() ? 1 : kStrayScatter;
}

bool MoveCost::is_activation(ValueId v) const {
  const std::vector<FactorId>& list = factors_.of(graph_.values[v].segment);
  return std::ranges::any_of(list, [&](FactorId f) { return f < batch_.size() && batch_[f]; });
}

bool MoveCost::is_avoided(size_t axis, ValueId v, const AxisPlacement& to) const {
  const std::vector<FactorId>& avoids = plan_.policies[axis].avoids;
  const FactorId f = factors_.of(graph_.values[v].segment)[to.place];
  return std::ranges::find(avoids, f) != avoids.end();
}

// Whether the wanted share is where states are shared (share_place.h).
bool MoveCost::is_share(size_t axis, ValueId v, const Placement& wanted) const {
  Placement taken = wanted;
  taken[axis] = replicated();
  const auto place = share_place(factors_, factors_.of(graph_.values[v].segment), taken,
                                 plan_.mesh.axes[axis].size);
  return place && wanted[axis] == split_at(*place);
}

}  // namespace moai::compiler
