// Learned values: those that a trained or kept storage has a part in; the others depend on data.
#pragma once

#include <vector>

#include "moai/compiler/analysis/roles.h"

namespace moai::compiler {

std::vector<bool> learned_values(const ValueGraph& g, const Roles& roles);  // by value

}  // namespace moai::compiler
