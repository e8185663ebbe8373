// What the tasks of a schedule cost: seconds, transfers, bytes that stay on the device.
#pragma once

#include <cstdint>
#include <vector>

#include "moai/compiler/schedule/schedule.h"

namespace moai::compiler::schedule {

// One micro-batch in one stage. Recomputation is part of input_gradient_s.
struct StageCost {
  double forward_s = 0;
  double input_gradient_s = 0;
  double weight_gradient_s = 0;  // a whole backward takes the sum of both
  double send_activation_s = 0;  // to the stage after; free where both lie on one device
  double send_gradient_s = 0;    // to the stage before
  int64_t held_bytes = 0;        // from the forward to the end of the backward or input gradient
  int64_t kept_bytes = 0;        // of those, what stays on to the end of the weight gradient
};

// Who stands still while a transfer runs. The published figures of zero-bubble schedules are those
// of kOverlapped. Links carry any number of transfers at once.
enum class Transfer : uint8_t {
  kOverlapped,  // nobody: the receiver's task may begin that much later
  kSender,      // the sending device, before its next task
  kReceiver,    // the receiving device, before the task that needs what is sent
};

struct Costs {
  std::vector<StageCost> stages;
  Transfer transfer = Transfer::kOverlapped;
};

// The same for each of `stages`.
Costs uniform(size_t stages, const StageCost& cost);

double duration_s(const StageCost& cost, Kind kind);

// Bytes that a task adds when it begins (a forward), or gives back when it ends (negative).
int64_t bytes_change(const StageCost& cost, Kind kind);

// The transfer that ends in `task`, and the one that it starts; 0 where there is none.
double transfer_in_s(const Schedule& schedule, const Costs& costs, const Task& task);
double transfer_out_s(const Schedule& schedule, const Costs& costs, const Task& task);

}  // namespace moai::compiler::schedule
