// PlanSchedule: the plans that a user decides on for a job, as MOAI_PLAN spells them.
//
// One plan holds for all of the job: "tp=2". Measurements and tests change it in the midst:
// "dp=4;10:tp=4;20:dp=2,tp=2,zero=1" has the second from the tenth optimizer step on.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "moai/base/status.h"
#include "moai/compiler/planner/pins.h"

namespace moai::driver {

struct PlanSchedule {
  struct Part {
    uint64_t from_step = 0;
    compiler::Pins pins{};
  };
  std::vector<Part> parts{};  // at least one, by step; the first from 0 on
};

// Errors as those of compiler::pins_from_string, or INVALID_ARGUMENT for steps that are none.
Result<PlanSchedule> plan_schedule_from_string(std::string_view text);

}  // namespace moai::driver
