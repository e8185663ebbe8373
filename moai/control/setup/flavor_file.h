// A site's own list of flavors.
#pragma once

#include <string>
#include <vector>

#include "moai/base/status.h"
#include "moai/control/store/rows.h"

namespace moai::control {

// One flavor a line in the order of the menu: "ID NAME DEVICES MIB", MIB of one device; "#" begins
// a comment. INVALID_ARGUMENT names the line.
Result<std::vector<FlavorRow>> parse_flavors(const std::string& text);

}  // namespace moai::control
