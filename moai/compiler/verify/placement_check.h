// Which placements there are, which a rule makes of an axis' work, and which moves lead from one to
// another. Each says what is wrong, or nothing.
#pragma once

#include <string>

#include "moai/compiler/verify/call_tensors.h"

namespace moai::compiler {

// Of a register: one axis a factor, shares for every rank, partial in one way.
std::string placement_error(const Lowering& in, RegisterId r);

// Of a call: its operands lie, and its results become, as the rule says for the work of each axis.
// The registers of the step exist.
std::string call_placement_error(const Lowering& in, const CallStep& step, const CallTensors& t);

// Of a move: what its kind does on its axis.
std::string move_error(const Lowering& in, const MoveStep& m);

}  // namespace moai::compiler
