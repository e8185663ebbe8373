#include "moai/device/aten/substitution/substitution.h"

namespace moai::device {

Substitute find_substitute(std::string_view op, std::string_view overload) {
  if (!overload.empty()) return nullptr;
  for (const auto rows :
       {attention_substitutions(), recurrent_substitutions(), norm_substitutions()}) {
    for (const SubstitutionRow& row : rows) {
      if (row.op == op) return row.substitute;
    }
  }
  return nullptr;
}

}  // namespace moai::device
