#include "moai/device/aten/substitution/substitution.h"

#include <string>
#include <unordered_map>

namespace moai::device {
namespace {

using Rows = std::unordered_map<std::string_view, SubstitutionRow>;

Rows rows_of(std::initializer_list<std::span<const SubstitutionRow>> families) {
  Rows rows;
  for (const auto family : families) {
    for (const SubstitutionRow& row : family) rows.emplace(row.op, row);
  }
  return rows;
}

Substitute find(const Rows& known, const ops::CallSignature& signature) {
  std::string name = signature.op;
  if (!signature.overload.empty()) name.append(".").append(signature.overload);
  const auto found = known.find(name);
  if (found == known.end()) return nullptr;
  const SubstitutionRow& row = found->second;
  return !row.applies || row.applies(signature) ? row.substitute : nullptr;
}

}  // namespace

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
  static const Rows& known = *new Rows(rows_of({all_substitutions()}));
  return find(known, signature);
}

Substitute find_accelerator_substitute(const ops::CallSignature& signature) {
  static const Rows& known =
      *new Rows(rows_of({accelerator_attention_substitutions(), accelerator_norm_substitutions()}));
  return find(known, signature);
}

}  // namespace moai::device
