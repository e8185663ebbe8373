// What convolutions take beside operands and results (workspace.h).
#pragma once

#include <cstdint>

#include "moai/ops/call.h"

namespace moai::compiler::cost {

// Of `aten::convolution`; 0 for what is none.
uint64_t convolution_workspace(const ops::CallSignature& s);
// Of `aten::convolution_backward`.
uint64_t convolution_backward_workspace(const ops::CallSignature& s);

}  // namespace moai::compiler::cost
