// CallShape: what the seconds of a call follow from, as numbers that can be near each other.
#pragma once

#include <limits>

#include "moai/cluster/device_kind.h"
#include "moai/compiler/cost/call_work.h"

namespace moai::compiler::cost {

cluster::CallShape call_shape(const ops::CallSignature& s, const CallWork& work);

// Squared, in doublings; calls whose operands lie otherwise are far apart, and so are those of
// other kinds of operands: an int scalar, one element for many, a reduction along other dimensions.
// At least `enough` where it is that far.
double shape_distance(const cluster::CallShape& a, const cluster::CallShape& b,
                      double enough = std::numeric_limits<double>::infinity());

}  // namespace moai::compiler::cost
