#include "moai/compiler/planner/stage_order.h"

#include <algorithm>

#include "moai/compiler/schedule/generators.h"
#include "moai/compiler/schedule/zero_bubble.h"

namespace moai::compiler {
namespace {

using schedule::Kind;
using schedule::Schedule;
using schedule::Simulation;

// A task takes some time, or two could begin at once that wait for each other.
constexpr double kLeast = 1;

schedule::Costs costs_of(const StageParts& parts, int microbatches) {
  schedule::Costs costs;
  const double m = microbatches;
  for (const StageParts::Cost& c : parts.costs) {
    // Bytes: micro-batches in flight are counted.
    costs.stages.push_back({.forward_s = c.forward / m + kLeast,
                            .input_gradient_s = c.input_gradient / m + kLeast,
                            .weight_gradient_s = c.weight_gradient / m + kLeast,
                            .send_activation_s = c.sent / m / 2,
                            .send_gradient_s = c.sent / m / 2,
                            .held_bytes = 1,
                            .kept_bytes = 1});
  }
  return costs;
}

Result<schedule::Planned> planned(const StageParts& parts, const Degrees& degrees,
                                  int microbatches) {
  const auto devices = static_cast<uint32_t>(degrees.pp), m = static_cast<uint32_t>(microbatches);
  const schedule::Costs costs = costs_of(parts, microbatches);
  if (degrees.schedule.kind == PipelineSchedule::Kind::kZeroBubble) {
    std::vector<int64_t> limits;  // those of 1F1B
    for (uint32_t d = 0; d < devices; ++d) limits.push_back(devices - d);
    return schedule::zero_bubble(m, costs, limits, schedule::StepEnd::kTogether);
  }
  const auto chunks = static_cast<uint32_t>(degrees.schedule.chunks);
  schedule::Planned p;
  p.schedule = chunks > 1 ? schedule::interleaved(devices, chunks, m)
                          : schedule::one_forward_one_backward(devices, m);
  MOAI_ASSIGN_OR_RETURN(p.simulation, schedule::simulate(p.schedule, costs));
  return p;
}

}  // namespace

Result<TimeOrder> stage_order(const ValueGraph& g, size_t window_nodes, const StageParts& parts,
                              const Degrees& degrees, int microbatches) {
  MOAI_ASSIGN_OR_RETURN(const schedule::Planned p, planned(parts, degrees, microbatches));
  struct Begun {
    double begin_s = 0;
    TimeTask task{};
  };
  std::vector<Begun> begun;
  const auto count = static_cast<int>(parts.costs.size());
  for (size_t d = 0; d < p.schedule.devices(); ++d) {
    for (size_t i = 0; i < p.schedule.order[d].size(); ++i) {
      const schedule::Task& task = p.schedule.order[d][i];
      TimeTask t{static_cast<int>(task.stage), task.kind != Kind::kForward,
                 static_cast<int>(task.micro_batch)};
      if (task.kind == Kind::kWeightGradient) t.stage += count;
      begun.push_back({p.simulation.spans[d][i].begin_s, t});
    }
  }
  std::ranges::stable_sort(begun, {}, &Begun::begin_s);
  TimeOrder order{.stages = std::vector<int>(window_nodes, StageParts::kNone)};
  for (const Begun& b : begun) order.tasks.push_back(b.task);
  const bool apart = degrees.schedule.kind == PipelineSchedule::Kind::kZeroBubble;
  for (NodeId n = 0; n < g.nodes.size(); ++n) {
    if (parts.nodes[n] == StageParts::kNone) continue;
    order.stages[g.nodes[n].source] =
        parts.nodes[n] + (apart && parts.weight_gradients[n] ? count : 0);
  }
  return order;
}

}  // namespace moai::compiler
