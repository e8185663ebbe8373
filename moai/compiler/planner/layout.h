// Layout: a plan of given degrees for an analysed window.
#pragma once

#include "moai/compiler/analysis/roles.h"
#include "moai/compiler/planner/tensor_factors.h"
#include "moai/compiler/sharding/policy.h"

namespace moai::compiler {

struct Degrees {
  int dp = 1, tp = 1;
  // Shares along dp: 1 of the optimizer's state, 2 of gradients, 3 of parameters as well.
  int zero = 0;
  bool sp = false;  // what tensor parallel sums goes to shares of the sequence

  bool operator==(const Degrees&) const = default;
  int ranks() const { return dp * tp; }
};

std::string to_string(const Degrees& d);  // "dp4 tp2 zero1 sp"

// The axes that these degrees have: "dp" and "tp", in this order, those of one rank left out.
Mesh mesh_of(const Degrees& d);

// Axes "dp" and "tp", in this order, those of one rank left out. Whatever a factor is too small for
// lies whole on every rank.
LayoutPlan layout(const ValueGraph& g, const Factors& factors, const Roles& roles,
                  const TensorFactors& tensor, const Degrees& degrees);

}  // namespace moai::compiler
