// "Pinned" host memory: plain memory whose ranges are remembered, so that is_pinned() answers as on
// a machine with a device, and counted. Nothing is kept when it is freed. Thread-safe.
#pragma once

#include <ATen/core/CachingHostAllocator.h>

#include "moai/front/torch_headers.h"

namespace moai::front {

at::HostAllocator& pinned_allocator();
bool is_pinned_address(const void* address);

}  // namespace moai::front
