// Layout: a plan of given degrees for an analysed window.
#pragma once

#include "moai/compiler/analysis/roles.h"
#include "moai/compiler/planner/degrees.h"
#include "moai/compiler/planner/tensor_factors.h"
#include "moai/compiler/sharding/policy.h"

namespace moai::compiler {

// On the mesh of the degrees. Whatever a factor is too small for lies whole on every rank.
LayoutPlan layout(const ValueGraph& g, const Factors& factors, const Roles& roles,
                  const TensorFactors& tensor, const Degrees& degrees);

}  // namespace moai::compiler
