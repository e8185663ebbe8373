// "Pinned" host memory: plain memory whose ranges are remembered, so that is_pinned() answers as on
// a machine with a device. Thread-safe.
#pragma once

#include "moai/front/torch_headers.h"

namespace moai::front {

c10::Allocator& pinned_allocator();
bool is_pinned_address(const void* address);

struct PinnedStatistics {
  c10::CachingAllocator::Stat count, bytes;
};
PinnedStatistics pinned_statistics_now();
// The peaks, or else what was counted since the start, begin anew.
void reset_pinned_statistics(bool peaks);

}  // namespace moai::front
