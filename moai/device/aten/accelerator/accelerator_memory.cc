#include "moai/device/aten/accelerator/accelerator_memory.h"

#include <c10/core/CachingDeviceAllocator.h>
#include <c10/util/Exception.h>

#include "moai/device/aten/memory/cpu_memory.h"

namespace moai::device {

BlockCache::Figures AcceleratorMemory::figures() const {
  constexpr auto kAll = static_cast<size_t>(c10::CachingAllocator::StatType::AGGREGATE);
  const auto stats = c10::getDeviceAllocator(device_.type())->getDeviceStats(device_.index());
  const auto& bytes = stats.requested_bytes[kAll];
  return {limit_bytes_, static_cast<uint64_t>(bytes.current), static_cast<uint64_t>(bytes.peak),
          static_cast<uint64_t>(stats.reserved_bytes[kAll].current)};
}

void AcceleratorMemory::check(uint64_t more_bytes) const {
  if (!limit_bytes_) return;
  const BlockCache::Figures now = figures();
  TORCH_CHECK_WITH(OutOfMemoryError,
                   more_bytes <= limit_bytes_ && now.live <= limit_bytes_ - more_bytes,
                   out_of_memory_text(more_bytes, now));
}

void AcceleratorMemory::reset_peak() const {
  c10::getDeviceAllocator(device_.type())->resetPeakStats(device_.index());
}

void AcceleratorMemory::trim() const { c10::getDeviceAllocator(device_.type())->emptyCache(); }

}  // namespace moai::device
