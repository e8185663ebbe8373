// The menu of flavors: numbered from 1 in the site's order.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "moai/base/status.h"
#include "moai/toolkit/core_api.h"

namespace moai::toolkit {

Result<std::vector<v1::Flavor>> list_flavors(CoreApi& api);

// "1. Small.64GB *" and so on; `current` (an id, 0: none) has the mark.
std::string flavor_list(const std::vector<v1::Flavor>& flavors, uint32_t current);
nlohmann::ordered_json flavors_json(const std::vector<v1::Flavor>& flavors, uint32_t current);

// By number in the menu, or by name. NOT_FOUND says what there is.
Result<v1::Flavor> find_flavor(const std::vector<v1::Flavor>& flavors, const std::string& text);

}  // namespace moai::toolkit
