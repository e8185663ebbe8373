#include "moai/device/aten/substitution/substitution.h"

namespace moai::device {

Substitute find_substitute(const ops::CallSignature& signature) {
  if (!signature.overload.empty()) return nullptr;
  for (const auto rows :
       {attention_substitutions(), recurrent_substitutions(), norm_substitutions(),
        softmax_substitutions(), histogram_substitutions()}) {
    for (const SubstitutionRow& row : rows) {
      if (row.op == signature.op && (!row.applies || row.applies(signature))) {
        return row.substitute;
      }
    }
  }
  return nullptr;
}

}  // namespace moai::device
