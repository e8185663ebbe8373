// A call that is refused where its results exceed the limit of its device's memory: the library's
// allocator of an accelerator has none that is exact. What kernels take beside their results is not
// foreseen; the device itself bounds it.
#pragma once

#include <memory>

#include "moai/device/aten/accelerator/accelerator_memory.h"
#include "moai/device/device.h"

namespace moai::device {

// `memory` outlives it.
std::unique_ptr<Call> limited_call(std::unique_ptr<Call> call, const ops::CallSignature& signature,
                                   const AcceleratorMemory* memory);

}  // namespace moai::device
