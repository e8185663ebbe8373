// The order in time of what pipeline stages do for micro-batches.
#pragma once

#include "moai/compiler/passes/micro_batches.h"
#include "moai/compiler/planner/degrees.h"
#include "moai/compiler/planner/stages.h"

namespace moai::compiler {

// What the simulation of the degrees' schedule begins first comes first. Parts of the model are the
// stages of tasks; with zero bubbles their weight gradients are tasks of stages behind the last, a
// part's number further. `parts` are of `g`, the graph of a window of that many nodes. An error is
// our bug.
Result<TimeOrder> stage_order(const ValueGraph& g, size_t window_nodes, const StageParts& parts,
                              const Degrees& degrees, int microbatches);

}  // namespace moai::compiler
