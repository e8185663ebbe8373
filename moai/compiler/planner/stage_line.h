// StageLine: where on the line of a model's weights each call of a window stands.
#pragma once

#include <vector>

#include "moai/compiler/analysis/dataflow.h"
#include "moai/compiler/analysis/roles.h"

namespace moai::compiler {

struct StageLine {
  // All outlive it.
  StageLine(const Dataflow& flow, const Roles& roles);

  // Weights in order; those that one call uses first are at one place.
  std::vector<SegmentId> weights{};
  uint32_t places = 0;
  std::vector<uint32_t> weight_at{};     // by segment; kNone for others
  std::vector<uint32_t> node_at{};       // by node; kNone: not on the line
  std::vector<SegmentId> gradient_of{};  // by value: of which weight it is the gradient, or state

  // Bytes that cross each cut, forward and back: in front of place i.
  std::vector<double> crossing_bytes{};
  std::vector<double> node_seconds{};  // by node on the line, in no unit
  std::vector<double> seconds{};       // of each place, with the optimizer's

 private:
  void find_weights();
  void place_forward();
  void place_late();
  bool reads_late(NodeId n, uint32_t at, const std::vector<uint32_t>& late) const;
  void find_last_readers();
  void find_gradients();
  void place_backward();
  void place_by_readers(NodeId n);
  void price();

  bool is_forward(NodeId n) const { return roles_.nodes[n] == Slice::kForward; }
  bool is_backward(NodeId n) const { return roles_.nodes[n] == Slice::kBackward; }
  SegmentId segment(ValueId v) const { return flow_.graph.values[v].segment; }
  NodeId producer(ValueId v) const { return flow_.graph.values[v].producer; }

  const Dataflow& flow_;
  const Roles& roles_;
  std::vector<uint32_t> used_last_;  // by value: the place of its last forward reader
};

}  // namespace moai::compiler
