// Carries a PhiloxStream through torch's distribution templates, which check arguments with torch's
// texts and hand the generator to the kernel.
#pragma once

#include <ATen/core/Generator.h>

#include "moai/device/aten/random/philox.h"

namespace moai::device {

at::Generator make_stream_generator(PhiloxStream stream);

// The stream that make_stream_generator was given.
PhiloxStream stream_of(const std::optional<at::Generator>& generator);

}  // namespace moai::device
