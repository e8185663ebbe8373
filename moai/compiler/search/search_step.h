// The search with the prices of a recorded step on a cluster (planner/step_price.h).
#pragma once

#include "moai/compiler/planner/step_price.h"
#include "moai/compiler/search/search_plan.h"

namespace moai::compiler {

// Its functions refer to all that is given, which outlives it.
SearchProblem search_problem(const RecordedStep& step, const cluster::Cluster& cluster,
                             const Pins& pins, const PriceOptions& options,
                             graph::SignatureTable* signatures);

}  // namespace moai::compiler
