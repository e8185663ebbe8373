// Which operands a call overwrites without reading them.
#pragma once

#include <vector>

#include "moai/ops/call.h"

namespace moai::ops {

// For each operand, in consumption order, whether the call writes it and reads nothing of it.
std::vector<bool> filled_operands(const CallSignature& signature);

// For each operand, in consumption order, the number of bytes from the start of its storage that
// the call surely overwrites and does not read: 0 for an operand that it reads, or of which it
// leaves elements out.
std::vector<uint64_t> overwritten_bytes(const CallSignature& signature);

}  // namespace moai::ops
