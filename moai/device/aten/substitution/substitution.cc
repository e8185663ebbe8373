#include "moai/device/aten/substitution/substitution.h"

#include <string>
#include <unordered_map>

namespace moai::device {

std::vector<SubstitutionRow> all_substitutions() {
  std::vector<SubstitutionRow> all;
  for (const auto rows : {attention_substitutions(), recurrent_substitutions(),
                          norm_substitutions(), softmax_substitutions(), histogram_substitutions(),
                          product_substitutions(), synchronized_norm_substitutions()}) {
    all.insert(all.end(), rows.begin(), rows.end());
  }
  return all;
}

Substitute find_substitute(const ops::CallSignature& signature) {
  static const auto& known = *[] {
    auto* made = new std::unordered_map<std::string_view, SubstitutionRow>;
    for (const SubstitutionRow& row : all_substitutions()) made->emplace(row.op, row);
    return made;
  }();
  std::string name = signature.op;
  if (!signature.overload.empty()) name.append(".").append(signature.overload);
  const auto found = known.find(name);
  if (found == known.end()) return nullptr;
  const SubstitutionRow& row = found->second;
  return !row.applies || row.applies(signature) ? row.substitute : nullptr;
}

}  // namespace moai::device
