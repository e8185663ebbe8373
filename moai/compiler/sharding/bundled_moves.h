// Bundled moves: when what ranks exchange is exchanged, and what of it in one call.
//
// Moves are made for their readers, one by one. A reduce-scatter may follow what makes its operand
// at once, so that no rank keeps all of every gradient, or wait there for others; what is gathered,
// or comes from another stage, may come early together with what is needed before it.
//
// Where exchanges go on beside calls (SpmdProgram::overlaps), sums are placed as reduce-scatters
// are, and each bundle of gathers comes when the one before it is needed.
#pragma once

#include "moai/compiler/sharding/policy.h"

namespace moai::compiler {

// Orders the steps of a program and numbers what goes together (MoveStep::bundle); such moves stand
// beside each other, none reads what another makes, and they are alike but for what they move: one
// call of `moai::` can make them. The registers that a rank holds longer than before, because of
// moves of one kind on one axis, are at most of as many bytes as the limits say, or one.
void bundle_moves(const ValueGraph& g, const BundleLimits& limits, SpmdProgram* program);

}  // namespace moai::compiler
