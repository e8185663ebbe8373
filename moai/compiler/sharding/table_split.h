// Whether a call can run along an indexed factor, each rank with its run of a table.
#pragma once

#include <optional>

#include "moai/compiler/analysis/factors.h"
#include "moai/ops/sharding/indexed.h"

namespace moai::compiler {

// How a node runs along the factor; nothing where its tensors lie so that we cannot have it so.
std::optional<ops::IndexedForm> splittable_form(const ValueNode& n, const NodeRule& rule,
                                                ops::FactorIndex factor);

}  // namespace moai::compiler
