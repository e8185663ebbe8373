// ModelLine: a model as a line of places, one for each weight or weights that a call uses first
// (planner/stage_line.h), with few equal layers in the place of many.
//
// What is known of the window of few layers, by place, holds for the whole model by `order`: the
// places of a layer in the middle come again for each layer that is left out.
#pragma once

#include <memory>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "moai/compiler/planner/plan_window.h"
#include "moai/compiler/planner/recorded_step.h"
#include "moai/compiler/planner/stage_line.h"

namespace moai::compiler {

class ModelLine {
 public:
  // Both outlive it. `overlaps`: in plans of it exchanges go on beside calls.
  ModelLine(const RecordedStep& step, graph::SignatureTable* signatures, bool overlaps = false);

  const RecordedStep& step() const { return step_; }
  graph::SignatureTable& signatures() const { return signatures_; }
  // Of few layers; a call's line is mark() of it.
  const graph::Window& window() const { return planner_->recorded().window; }
  WindowPlanner& planner() const { return *planner_; }
  bool overlaps() const { return overlaps_; }
  // What is older than the window and is not of a layer that is left out.
  const cost::StorageBytes& older() const { return older_; }
  bool folded() const { return kept_ < layers_; }
  size_t layers() const { return layers_; }
  size_t layers_kept() const { return kept_; }

  // What a call's line says of it once passes have moved it.
  static graph::LineId mark(uint32_t node, bool again) { return 2 * node + 2 + (again ? 1 : 0); }
  struct Mark {
    uint32_t node = kNone;  // of window(); kNone: made by a pass
    bool again = false;     // called again in the backward pass
  };
  static Mark mark_of(graph::LineId line) {
    return line < 2 ? Mark{} : Mark{(line - 2) / 2, line % 2 != 0};
  }
  // The line of the script.
  graph::LineId script_line(graph::LineId line) const {
    const Mark m = mark_of(line);
    return m.node == kNone ? 0 : lines_[m.node];
  }

  struct Call {
    uint32_t place = kNone;  // kNone: on no line
    Slice slice = Slice::kForward;
    bool weight_gradient = false;
  };
  const Call& call(uint32_t node) const { return calls_[node]; }
  // kNone: of no place, or of several.
  uint32_t place_of(graph::StorageId id) const;
  uint32_t place_of(NodeId n) const { return node_places_[n]; }  // of planner().recorded()
  Role role_of(graph::StorageId id) const;

  uint32_t places() const { return static_cast<uint32_t>(times_.size()); }
  // By place, how many of the whole model's it stands for.
  const std::vector<double>& times() const { return times_; }
  double times(uint32_t place) const { return place == kNone ? 1 : times_[place]; }
  // Of the whole model, in order.
  const std::vector<uint32_t>& order() const { return order_; }

  // The whole model's parts, as planner/stages.h cuts them: the part of each of order(). Fewer
  // parts where there are fewer places. Remembered.
  const std::vector<uint32_t>& cut(uint32_t parts);
  // Bytes that cross in front of each of order(), forward and back, for all of the batch.
  const std::vector<double>& crossing() const { return crossing_; }

  // Rows that micro-batches and dp share; 0 without a batch.
  int64_t batch() const { return batch_; }
  // Whether the window may run in micro-batches, and in stages.
  bool divides() const { return divides_; }

 private:
  void fold();
  bool build();
  void find_places(const Dataflow& flow, const StageLine& line);
  void mark_calls(const std::vector<bool>& weight_gradients);
  void find_order(uint32_t places);
  void find_batch();

  const RecordedStep& step_;
  graph::SignatureTable& signatures_;
  const bool overlaps_;
  graph::Window few_;
  uint32_t fewer_places_ = 0;  // of the window with a layer less
  std::vector<graph::LineId> lines_;
  cost::StorageBytes older_;
  size_t layers_ = 1, kept_ = 1;
  std::unique_ptr<WindowPlanner> planner_;
  std::vector<Call> calls_;            // by node of window()
  std::vector<uint32_t> node_places_;  // by node of the graph
  std::unordered_map<graph::StorageId, std::pair<uint32_t, Role>> storages_;
  std::vector<double> times_, seconds_, crossing_;
  std::vector<uint32_t> order_;
  std::unordered_map<uint32_t, std::vector<uint32_t>> cuts_;
  int64_t batch_ = 0;
  bool divides_ = true;
};

}  // namespace moai::compiler
