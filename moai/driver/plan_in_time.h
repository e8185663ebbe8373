// Plans that run a step in another way in time than the script calls it.
#pragma once

#include <string_view>

#include "moai/base/status.h"

namespace moai::driver {

// Whether the pins of a plan have micro-batches or recomputation: one device is then planned for as
// several are, and holds less at once than what the script holds. INVALID_ARGUMENT where they are
// none.
Result<bool> plans_in_time(std::string_view plan);

}  // namespace moai::driver
