// The plan for scripts: keys are stable.
#pragma once

#include "moai/toolkit/command.h"
#include "moai/toolkit/plan/plan_report.h"

namespace moai::toolkit {

Json plan_json(const PlanReport& report);

}  // namespace moai::toolkit
