// The plan as a page of HTML that needs nothing else: it opens offline.
#pragma once

#include <string>

#include "moai/toolkit/plan/plan_report.h"

namespace moai::toolkit {

std::string plan_page(const PlanReport& report);

}  // namespace moai::toolkit
