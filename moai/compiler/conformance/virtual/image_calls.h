// Calls over images that are larger than those of the recorded steps.
#pragma once

#include <string>
#include <vector>

namespace moai::compiler {

// Convolutions, their gradients and pooling in float32, as one-line calls (docs/formats/call.md):
// filters of one to seven places, strides of one and two, few and many channels.
std::vector<std::string> image_calls();

}  // namespace moai::compiler
