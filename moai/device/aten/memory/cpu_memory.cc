#include "moai/device/aten/memory/cpu_memory.h"

#include <c10/core/Allocator.h>
#include <c10/core/CPUAllocator.h>
#include <c10/util/Exception.h>

#include <cstdio>

namespace moai::device {
namespace {

constexpr uint8_t kPriority = 100;  // above what libtorch registers for itself

BlockCache& cache() {
  static BlockCache& blocks = *new BlockCache;
  return blocks;
}

void free_block(void* block) { cache().free(block); }

class CountedCpuAllocator final : public c10::Allocator {
 public:
  c10::DataPtr allocate(size_t size) override {
    void* block = nullptr;
    if (size) {
      block = cache().allocate(size);
      TORCH_CHECK_WITH(OutOfMemoryError, block, out_of_memory_text(size, cache().figures()));
    }
    return {block, block, &free_block, c10::Device(c10::kCPU)};
  }
  c10::DeleterFnPtr raw_deleter() const override { return &free_block; }
  void copy_data(void* to, const void* from, size_t size) const override {
    default_copy_data(to, from, size);
  }
};

std::string readable(uint64_t bytes) {
  char text[64];
  const double value = static_cast<double>(bytes);
  if (bytes < (1 << 20)) {
    std::snprintf(text, sizeof text, "%.2f KiB", value / (1 << 10));
  } else if (bytes < (1 << 30)) {
    std::snprintf(text, sizeof text, "%.2f MiB", value / (1 << 20));
  } else {
    std::snprintf(text, sizeof text, "%.2f GiB", value / (1 << 30));
  }
  return text;
}

}  // namespace

BlockCache& cpu_memory() {
  static const bool installed = [] {
    c10::SetCPUAllocator(new CountedCpuAllocator, kPriority);
    return true;
  }();
  (void)installed;
  return cache();
}

std::string out_of_memory_text(uint64_t size, const BlockCache::Figures& figures) {
  std::string text = "CUDA out of memory. Tried to allocate " + readable(size) + ". ";
  if (!figures.limit) return text + "The machine has no more memory.";
  const uint64_t free = figures.limit > figures.live ? figures.limit - figures.live : 0;
  return text + "The device has a total capacity of " + readable(figures.limit) + " of which " +
         readable(free) + " is free; " + readable(figures.live) + " is allocated.";
}

}  // namespace moai::device
