// Drawn shares: how calls that draw and read nothing should run.
//
// Such a call follows no operand, so the partitioner runs it whole, and whoever wants a share of it
// slices. Where all that is wanted of it, by a finished program, are the same shares, each rank
// should draw its own: nothing is drawn in vain, and nothing whole lies anywhere.
#pragma once

#include <map>
#include <vector>

#include "moai/compiler/sharding/spmd.h"

namespace moai::compiler {

// By node the work of each axis, of those nodes that should be split on one.
using DrawnShares = std::map<NodeId, std::vector<AxisWork>>;

// `pinned`: which of the outputs must lie as they do.
DrawnShares drawn_shares(const ValueGraph& g, const Factors& factors, const SpmdProgram& program,
                         const std::vector<bool>& pinned);

}  // namespace moai::compiler
