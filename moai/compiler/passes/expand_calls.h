// Expands calls of a window that cannot be split as they stand (moai/ops/sharding/expansion.h).
#pragma once

#include <functional>
#include <optional>
#include <vector>

#include "moai/compiler/sharding/policy.h"
#include "moai/graph/window.h"
#include "moai/ops/sharding/expansion.h"

namespace moai::compiler {

using Expand = std::function<std::optional<ops::Expansion>(const ops::CallSignature&)>;

// `nodes`: positions in the window, ascending; those that there is no need to expand stay. What
// steps make in between are storages from `first_temporary` on, released after the call. `sources`,
// if any, becomes for each node the one of `w` that it is of.
graph::Window expand_calls(const graph::Window& w, const std::vector<uint32_t>& nodes,
                           graph::StorageId first_temporary, graph::SignatureTable* signatures,
                           std::vector<uint32_t>* sources = nullptr,
                           const Expand& expand = ops::expand);

// Calls for which a program moves operands between ranks: those whose expansion is worth trying.
// Positions in the window, ascending.
std::vector<uint32_t> calls_that_move(const ValueGraph& g, const SpmdProgram& program);

}  // namespace moai::compiler
