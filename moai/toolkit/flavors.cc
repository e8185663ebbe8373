#include "moai/toolkit/flavors.h"

#include <strings.h>

#include <nlohmann/json.hpp>

namespace moai::toolkit {

Result<std::vector<v1::Flavor>> list_flavors(CoreApi& api) {
  MOAI_ASSIGN_OR_RETURN(const v1::Flavors list, api.list_flavors({}));
  if (list.flavors_size() == 0) {
    return failed_precondition("SDAManager offers no accelerator model; its admin must add one");
  }
  return std::vector<v1::Flavor>(list.flavors().begin(), list.flavors().end());
}

std::string flavor_list(const std::vector<v1::Flavor>& flavors, uint32_t current) {
  std::string out;
  for (size_t i = 0; i < flavors.size(); ++i) {
    out += std::to_string(i + 1) + ". " + flavors[i].name() +
           (flavors[i].id() == current ? " *" : "") + "\n";
  }
  return out;
}

nlohmann::ordered_json flavors_json(const std::vector<v1::Flavor>& flavors, uint32_t current) {
  auto out = nlohmann::ordered_json::array();
  for (size_t i = 0; i < flavors.size(); ++i) {
    out.push_back({{"number", i + 1},
                   {"id", flavors[i].id()},
                   {"name", flavors[i].name()},
                   {"devices", flavors[i].devices()},
                   {"memory_bytes", flavors[i].memory_bytes()},
                   {"current", flavors[i].id() == current}});
  }
  return out;
}

Result<v1::Flavor> find_flavor(const std::vector<v1::Flavor>& flavors, const std::string& text) {
  for (size_t i = 0; i < flavors.size(); ++i) {
    if (std::to_string(i + 1) == text || ::strcasecmp(flavors[i].name().c_str(), text.c_str()) == 0)
      return flavors[i];
  }
  return not_found("There is no accelerator model \"" + text + "\"; give a number of 1-" +
                   std::to_string(flavors.size()) + " or a name, for example " + flavors[0].name());
}

}  // namespace moai::toolkit
