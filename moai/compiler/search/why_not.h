// Why a plan that was found is not the best, in words.
#pragma once

#include <string>

#include "moai/compiler/search/search_plan.h"

namespace moai::compiler {

// "12.3 GB of 80.0". In bytes.
std::string memory_text(double bytes, double limit);
// "+4.2 % of a step: exchanges +0.31 ms, the rest +0.02 ms", or what it needs of `limit` bytes.
std::string why_not(const FoundPlan& p, const FoundPlan& best, double limit);

}  // namespace moai::compiler
