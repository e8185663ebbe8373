// The plan for the terminal.
#pragma once

#include <iosfwd>

#include "moai/toolkit/plan/plan_report.h"

namespace moai::toolkit {

void print_plan(std::ostream& out, const PlanReport& report);

}  // namespace moai::toolkit
