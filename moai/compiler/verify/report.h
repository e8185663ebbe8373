// What the verifier says: the step, its operator and source line, and what is wrong.
#pragma once

#include <string>

#include "moai/base/status.h"
#include "moai/compiler/lower/lower_rank.h"

namespace moai::compiler {

// INTERNAL: a program that does not verify is our bug.
Status fault(const std::string& where, const std::string& what);

// "step 12, aten::mm @4", "step 13, all_gather of 7.2 over dp for aten::mm @4".
std::string step_text(const Lowering& in, size_t step);
// "aten::mm @4"
std::string node_text(const ValueGraph& g, NodeId n);
// "7.2": segment and version.
std::string value_text(const ValueGraph& g, ValueId v);
// "7.2 as S0*R"
std::string register_text(const Lowering& in, RegisterId r);

}  // namespace moai::compiler
