// Plays a schedule: when each task runs, how long the step takes, what stays in memory.
//
//   Result<Simulation> sim = simulate(one_forward_one_backward(8, 24), costs);
//   bubble(*sim, StepEnd::kTogether);  // 0.2431
//
// Links are delays without contention, so a device's order and the ends of other tasks decide when
// a task begins; linear in the number of tasks.
#pragma once

#include "moai/base/status.h"
#include "moai/compiler/schedule/costs.h"

namespace moai::compiler::schedule {

struct Span {
  double begin_s = 0;
  double end_s = 0;
};

struct DeviceLoad {
  double busy_s = 0;   // in tasks
  double begin_s = 0;  // of its first task
  double end_s = 0;    // of its last task
  // Forwards whose backward, or input gradient, has not ended: the most there ever are, summed over
  // the device's chunks.
  uint32_t in_flight_max = 0;
  int64_t bytes_max = 0;
};

struct Simulation {
  std::vector<std::vector<Span>> spans;  // as Schedule::order
  std::vector<DeviceLoad> devices;
  double makespan_s = 0;        // from the first task to the end of the last
  double longest_device_s = 0;  // the longest time from a device's first task to its last
};

// How the optimizer's step meets the end of the pipeline.
enum class StepEnd : uint8_t {
  // All devices wait for the last, as a norm or a check over all gradients makes them.
  kTogether,
  // Each device goes on to its part of the next step. The published bubbles of ZB-H2, ZB-2p and
  // ZB-V
  // are of this kind.
  kStaggered,
};

// Fails on a schedule that is none (check_tasks), that deadlocks (the message says which tasks wait
// for each other), or that has another number of stages than `costs`.
Result<Simulation> simulate(const Schedule& schedule, const Costs& costs);

// Seconds from a step to the next.
double step_s(const Simulation& simulation, StepEnd end);

// The part of the step in which devices run no task: of all of them, and of one.
double bubble(const Simulation& simulation, StepEnd end);
double bubble(const Simulation& simulation, StepEnd end, size_t device);

}  // namespace moai::compiler::schedule
