// The part of libtorch that an accelerator needs, loaded when one is asked for: one Worker program
// serves processors and every kind of accelerator.
#pragma once

#include <c10/core/Device.h>

#include <string>

#include "moai/base/status.h"

namespace moai::device {

// The device of that kind and index, ready for use. Products and convolutions of float32 are of
// full precision from here on, as on a processor. FAILED_PRECONDITION when the library's part for
// `kind`, its driver or the device is missing, naming which. May block for seconds. Throws nothing.
//
// `kind`: "cuda" or "hip"; both are CUDA to the library.
Result<c10::Device> open_accelerator(const std::string& kind, int index);

}  // namespace moai::device
