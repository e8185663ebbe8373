#include "moai/driver/plan_in_time.h"

#include "moai/driver/mesh/plan_schedule.h"

namespace moai::driver {

Result<bool> plans_in_time(std::string_view plan) {
  MOAI_ASSIGN_OR_RETURN(const PlanSchedule schedule, plan_schedule_from_string(plan));
  const compiler::Pins& p = schedule.parts.front().pins;
  const auto recompute = p.recompute.value_or(compiler::Recompute::kNone);
  return p.microbatches.value_or(1) > 1 || recompute != compiler::Recompute::kNone;
}

}  // namespace moai::driver
