#include "moai/driver/plan_in_time.h"

#include "moai/compiler/planner/pins.h"

namespace moai::driver {

Result<bool> plans_in_time(std::string_view pins) {
  MOAI_ASSIGN_OR_RETURN(const compiler::Pins p, compiler::pins_from_string(pins));
  const auto recompute = p.recompute.value_or(compiler::Recompute::kNone);
  return p.microbatches.value_or(1) > 1 || recompute != compiler::Recompute::kNone;
}

}  // namespace moai::driver
