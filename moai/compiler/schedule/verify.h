// Whether a schedule may be run.
#pragma once

#include "moai/base/status.h"
#include "moai/compiler/schedule/costs.h"

namespace moai::compiler::schedule {

// Each task once and on its device (check_tasks), in an order that does not deadlock.
Status verify(const Schedule& schedule);

// The same, and at no time more than limit_bytes[d] of activations on device d; names the first
// task that would exceed it.
Status verify(const Schedule& schedule, const Costs& costs,
              const std::vector<int64_t>& limit_bytes);

}  // namespace moai::compiler::schedule
