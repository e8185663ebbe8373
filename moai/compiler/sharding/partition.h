// Partition: completes a layout plan to a program for all ranks.
//
// Call by call, in the window's order, each axis takes the cheapest strategy by the bytes that its
// operands must move, weighed by the plan's policies; then the moves are made. What a policy weighs
// is no estimate of time: it steers, and the planner prices the program that comes out. Calls that
// draw and read nothing follow who reads them (drawn_shares.h), in a second pass.
#pragma once

#include "moai/compiler/sharding/policy.h"

namespace moai::compiler {

// `g` and `factors` belong together. Deterministic. Every plan gives a program: where a placement
// cannot be kept, values are moved.
SpmdProgram partition(const ValueGraph& g, const Factors& factors, const LayoutPlan& plan);

}  // namespace moai::compiler
