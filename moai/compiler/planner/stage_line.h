// StageLine: where on the line of a model's weights each call of a window stands.
#pragma once

#include <vector>

#include "moai/compiler/analysis/dataflow.h"
#include "moai/compiler/analysis/roles.h"

namespace moai::compiler {

struct StageLine {
  // All outlive it. `ordered`: the window has a backward part, or does not go through the model
  // twice; a call then stands behind what it reads.
  StageLine(const Dataflow& flow, const Roles& roles);

  std::vector<SegmentId> weights{};    // in order: one a place
  std::vector<uint32_t> weight_at{};   // by segment; kNone for others
  std::vector<uint32_t> node_at{};     // by node; kNone: not on the line
  std::vector<uint32_t> gradient_of{};  // by value: the place of the weight whose gradient it is

  // Bytes that cross each cut, forward and back: in front of place i.
  std::vector<double> crossing_bytes{};
  std::vector<double> seconds{};  // of each place, in no unit

 private:
  void find_weights();
  void place_forward();
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
