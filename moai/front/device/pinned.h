// "Pinned" host memory: plain memory whose ranges are remembered, so that is_pinned() answers as on
// a machine with a device. Thread-safe.
#pragma once

#include "moai/front/torch_headers.h"

namespace moai::front {

c10::Allocator& pinned_allocator();
bool is_pinned_address(const void* address);

}  // namespace moai::front
