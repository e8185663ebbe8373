// Why devices stand still.
#pragma once

#include <optional>

#include "moai/compiler/schedule/simulate.h"

namespace moai::compiler::schedule {

enum class Cause : uint8_t {
  kTask,      // `awaited` runs, or waits itself, on another device
  kTransfer,  // `awaited` has ended and its result is on the way
  kFinished,  // the device has nothing left; other devices go on
};

struct Idle {
  uint32_t device = 0;
  Span span;
  Cause cause = Cause::kFinished;
  std::optional<Task> awaited;
  std::optional<Task> next;  // what the device runs after it
};

// Every gap from 0 to the makespan, by device and time. A gap that is partly a transfer is two.
// With Transfer::kSender a device's own sending is a transfer, too, awaited for the task that
// sends.
std::vector<Idle> idle_spans(const Schedule& schedule, const Costs& costs,
                             const Simulation& simulation);

}  // namespace moai::compiler::schedule
