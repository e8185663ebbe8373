#include "moai/compiler/schedule/costs.h"

namespace moai::compiler::schedule {
namespace {

bool apart(const Schedule& schedule, uint32_t stage, uint32_t other) {
  return schedule.device_of[stage] != schedule.device_of[other];
}

}  // namespace

Costs uniform(size_t stages, const StageCost& cost) {
  return {.stages = std::vector<StageCost>(stages, cost), .transfer = Transfer::kOverlapped};
}

double duration_s(const StageCost& cost, Kind kind) {
  switch (kind) {
    case Kind::kForward:
      return cost.forward_s;
    case Kind::kBackward:
      return cost.input_gradient_s + cost.weight_gradient_s;
    case Kind::kInputGradient:
      return cost.input_gradient_s;
    case Kind::kWeightGradient:
      return cost.weight_gradient_s;
  }
  return 0;
}

int64_t bytes_change(const StageCost& cost, Kind kind) {
  switch (kind) {
    case Kind::kForward:
      return cost.held_bytes;
    case Kind::kBackward:
      return -cost.held_bytes;
    case Kind::kInputGradient:
      return cost.kept_bytes - cost.held_bytes;
    case Kind::kWeightGradient:
      return -cost.kept_bytes;
  }
  return 0;
}

double transfer_in_s(const Schedule& schedule, const Costs& costs, const Task& task) {
  const uint32_t s = task.stage;
  if (task.kind == Kind::kWeightGradient) return 0;
  if (task.kind == Kind::kForward) {
    return s > 0 && apart(schedule, s - 1, s) ? costs.stages[s - 1].send_activation_s : 0;
  }
  const bool last = s + 1 == schedule.stages();
  return !last && apart(schedule, s + 1, s) ? costs.stages[s + 1].send_gradient_s : 0;
}

double transfer_out_s(const Schedule& schedule, const Costs& costs, const Task& task) {
  const uint32_t s = task.stage;
  if (task.kind == Kind::kWeightGradient) return 0;
  if (task.kind == Kind::kForward) {
    const bool last = s + 1 == schedule.stages();
    return !last && apart(schedule, s + 1, s) ? costs.stages[s].send_activation_s : 0;
  }
  return s > 0 && apart(schedule, s - 1, s) ? costs.stages[s].send_gradient_s : 0;
}

}  // namespace moai::compiler::schedule
