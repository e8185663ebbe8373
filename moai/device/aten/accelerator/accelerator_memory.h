// The memory of an accelerator, which libtorch's own allocator manages.
#pragma once

#include <c10/core/Device.h>

#include <cstdint>

#include "moai/device/aten/memory/block_cache.h"

namespace moai::device {

class AcceleratorMemory {
 public:
  AcceleratorMemory(c10::Device device, uint64_t limit_bytes)
      : device_(device), limit_bytes_(limit_bytes) {}

  // Bytes that were asked for, without what the allocator rounds up. Any thread.
  BlockCache::Figures figures() const;
  // Throws c10::OutOfMemoryError where so many more bytes exceed the limit.
  void check(uint64_t more_bytes) const;
  bool is_limited() const { return limit_bytes_ != 0; }
  void reset_peak() const;
  // Gives what is kept back to the device.
  void trim() const;

 private:
  const c10::Device device_;
  const uint64_t limit_bytes_;  // 0: none
};

}  // namespace moai::device
