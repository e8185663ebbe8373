// MoveCost: what a move between two placements weighs while a partition is completed.
#pragma once

#include "moai/compiler/sharding/policy.h"

namespace moai::compiler {

class MoveCost {
 public:
  // All outlive it.
  MoveCost(const ValueGraph& g, const Factors& factors, const LayoutPlan& plan);

  // On `axis`, when all axes together are to be as `wanted`. In bytes a rank, weighed; infinite
  // where that move does not exist.
  double on_axis(size_t axis, ValueId v, const AxisPlacement& from, const Placement& wanted) const;
  // On all axes together.
  double of(ValueId v, const Placement& from, const Placement& wanted) const;
  // What the sum of a weight's gradient will cost, where tensor parallel splits sequences: of
  // activations the next call decides whether they are summed or scattered. With a split context
  // that of an activation, which is scattered at least; gradients are summed in any case.
  double of_sum(size_t axis, ValueId v, const Placement& made) const;
  // With a split context, what speaks against shares of a gradient that `n` makes of activations:
  // its optimizer would work on shares that nobody wants. Where weights are shared sums are
  // scattered.
  double of_share(size_t axis, ValueId v, const ValueNode& n) const;

 private:
  double bytes(ValueId v, const Placement& p, size_t without_axis) const;
  double weight(size_t axis, ValueId v, const AxisPlacement& from, const Placement& wanted) const;
  bool is_activation(ValueId v) const;
  bool is_avoided(size_t axis, ValueId v, const AxisPlacement& to) const;
  bool is_share(size_t axis, ValueId v, const Placement& wanted) const;

  const ValueGraph& graph_;
  const Factors& factors_;
  const LayoutPlan& plan_;
  std::vector<bool> batch_;        // by factor
  std::vector<uint32_t> readers_;  // by value
};

}  // namespace moai::compiler
