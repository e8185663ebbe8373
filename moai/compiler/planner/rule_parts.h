// Which of the window's factors a call's rule is over.
#pragma once

#include <algorithm>
#include <vector>

#include "moai/compiler/analysis/factors.h"

namespace moai::compiler {

// Whether a factor of the rule that is frozen, or one that is not, consists of any of these.
inline bool has_any(const NodeRule& r, bool frozen, const std::vector<FactorId>& of) {
  for (size_t f = 0; f < r.parts.size(); ++f) {
    if ((r.rule.factors[f].kind == ops::FactorKind::kFrozen) != frozen) continue;
    const auto hit = [&](FactorId part) { return std::ranges::find(of, part) != of.end(); };
    if (std::ranges::any_of(r.parts[f], hit)) return true;
  }
  return false;
}

}  // namespace moai::compiler
