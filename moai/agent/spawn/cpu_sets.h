// The setting that says which processors the Workers of each device may run on.
#pragma once

#include <string>
#include <vector>

#include "moai/base/status.h"

namespace moai::agent {

// "0-3,8;4-7" is {0,1,2,3,8} for device 0 and {4,5,6,7} for device 1. Empty text: no limits.
Result<std::vector<std::vector<int>>> parse_cpu_sets(const std::string& text);

}  // namespace moai::agent
