// Strategies: the ways in which one axis of the mesh can take part in a call.
#pragma once

#include <set>
#include <utility>
#include <vector>

#include "moai/compiler/sharding/spmd.h"

namespace moai::compiler {

struct Strategy {
  AxisWork work{};
  std::vector<AxisPlacement> operands{};  // wanted of what is read
  std::vector<AxisPlacement> made{};      // of fresh results, then of what is written
};

// Parts of a rule's factors that other axes have taken.
using TakenParts = std::set<std::pair<ops::FactorIndex, uint32_t>>;

// All ways in which the call `n` can run on an axis of `ranks`; the first is the whole call on
// every rank.
std::vector<Strategy> strategies(const ValueGraph& g, const Factors& factors, NodeId n, int ranks,
                                 const TakenParts& taken);

// What a node makes, in the order of CallStep::made: its fresh results, then what it writes.
std::vector<const Use*> made_uses(const ValueNode& n);

}  // namespace moai::compiler
