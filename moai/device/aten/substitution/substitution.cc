#include "moai/device/aten/substitution/substitution.h"

#include <string>
#include <unordered_map>

namespace moai::device {

std::vector<SubstitutionRow> all_substitutions() {
  std::vector<SubstitutionRow> all;
  for (const auto rows :
       {attention_substitutions(), recurrent_substitutions(), norm_substitutions(),
        product_substitutions(), synchronized_norm_substitutions()}) {
    all.insert(all.end(), rows.begin(), rows.end());
  }
  return all;
}

Substitute find_substitute(std::string_view op, std::string_view overload) {
  static const auto& known = *[] {
    auto* made = new std::unordered_map<std::string_view, Substitute>;
    for (const SubstitutionRow& row : all_substitutions()) made->emplace(row.op, row.substitute);
    return made;
  }();
  std::string name(op);
  if (!overload.empty()) name.append(".").append(overload);
  const auto found = known.find(name);
  return found == known.end() ? nullptr : found->second;
}

}  // namespace moai::device
