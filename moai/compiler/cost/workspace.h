// What kernels take beside operands and results while they run: an estimate, for no signature says.
//
// As the CPU kernels of libtorch do, which were measured (conformance/workspace_test.cc). Kernels
// of other devices choose by what is free; there it is a guess.
#pragma once

#include <cstdint>

#include "moai/ops/call.h"

namespace moai::compiler::cost {

// Bytes that a call holds at most beyond its operands and fresh results.
uint64_t workspace_bytes(const ops::CallSignature& s);

}  // namespace moai::compiler::cost
