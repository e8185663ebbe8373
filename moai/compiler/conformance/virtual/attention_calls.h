// Calls of fused attention, which recorded steps in float64 do not have.
#pragma once

#include <string>
#include <vector>

namespace moai::compiler {

// Forward and backward in float32, as one-line calls (docs/formats/call.md): queries, keys and
// values as parts of one product, some masked causally.
std::vector<std::string> attention_calls();

}  // namespace moai::compiler
