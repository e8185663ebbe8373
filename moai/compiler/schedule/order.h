// What waits for what, and whether an order is one at all.
#pragma once

#include <optional>

#include "moai/base/status.h"
#include "moai/compiler/schedule/schedule.h"

namespace moai::compiler::schedule {

// The one task of which `task` needs a result: of the stage before, of the stage after, or of its
// own. kInputGradient stands for a whole backward too, where the schedule has that. None for a
// forward of stage 0.
std::optional<Task> dependency_of(const Task& task, size_t stages);

// Every stage of every micro-batch has one forward and one backward, whole or in two parts, on the
// device of the stage; every micro-batch and stage exists.
Status check_tasks(const Schedule& schedule);

// Where each device d stands before its task cursor[d] and none can go on: who waits for whom.
Status deadlock(const Schedule& schedule, const std::vector<size_t>& cursor);

}  // namespace moai::compiler::schedule
