// What a job says of its plans.
#pragma once

#include <string>
#include <vector>

#include "moai/driver/mesh/plan_search.h"

namespace moai::driver {

// Why a plan takes the place of another, and why not.
std::string faster_text(const compiler::CachedPlan& best, const compiler::CachedPlan& now);
std::string slower_text(const compiler::CachedPlan& best, const compiler::CachedPlan& now,
                        double margin);

// The lines of a search as users of advanced parallelization know them.
std::vector<std::string> search_lines(const Finding& finding);
// Its choice: "No PP, No TP, recomputation : 0, distribute_param : false, …".
std::string selection_line(const compiler::Degrees& d);

}  // namespace moai::driver
