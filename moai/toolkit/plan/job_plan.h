// How a job on several devices is shared among them, and why, as `moai explain` tells it.
#pragma once

#include <iosfwd>

#include "moai/session/job_report.h"
#include "moai/toolkit/command.h"

namespace moai::toolkit {

// Null for a job on one device.
Json plan_json(const session::JobReport::Plan& plan);
// Nothing for a job on one device.
void print_plan(std::ostream& out, const session::JobReport::Plan& plan);

}  // namespace moai::toolkit
