// Registration: puts the device into torch's dispatcher under the keys of its kind.
#pragma once

#include <cstddef>

namespace moai::front {

// Allocator, guard, hooks and kernels. Once; afterwards tensors of the device can exist.
void register_device();

// Composite operators that are captured whole.
size_t whole_operators();

}  // namespace moai::front
