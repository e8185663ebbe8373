// --fix of `moai plan`: what the user decides of a plan.
#pragma once

#include <string_view>

#include "moai/compiler/planner/choose_plan.h"

namespace moai::toolkit {

// "dp=4,tp=2,zero=1". INVALID_ARGUMENT names the key or the value, and what there is; UNIMPLEMENTED
// where a plan of that kind is not made yet.
Result<compiler::Pins> pins_from_string(std::string_view text);

}  // namespace moai::toolkit
