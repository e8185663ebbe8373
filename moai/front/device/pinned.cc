#include "moai/front/device/pinned.h"

#include <cstdlib>
#include <map>
#include <mutex>

namespace moai::front {
namespace {

constexpr size_t kAlignment = 256;

class PinnedAllocator final : public c10::Allocator {
 public:
  c10::DataPtr allocate(size_t size_bytes) override {
    if (size_bytes == 0) return {nullptr, c10::Device(at::kCPU)};
    void* memory =
        std::aligned_alloc(kAlignment, (size_bytes + kAlignment - 1) & ~(kAlignment - 1));
    TORCH_CHECK_WITH(OutOfMemoryError, memory, "no host memory for ", size_bytes, " pinned bytes");
    const std::lock_guard lock(mutex_);
    ranges_[static_cast<const char*>(memory)] = size_bytes;
    statistics_.count.increase(1);
    statistics_.bytes.increase(size_bytes);
    return {memory, memory, &release, c10::Device(at::kCPU)};
  }
  c10::DeleterFnPtr raw_deleter() const override { return &release; }
  void copy_data(void* to, const void* from, size_t size_bytes) const override {
    default_copy_data(to, from, size_bytes);
  }
  bool owns(const void* address) {
    const auto* at = static_cast<const char*>(address);
    const std::lock_guard lock(mutex_);
    auto after = ranges_.upper_bound(at);
    if (after == ranges_.begin()) return false;
    --after;
    return at < after->first + after->second;
  }
  PinnedStatistics statistics() {
    const std::lock_guard lock(mutex_);
    return statistics_;
  }
  void reset(bool peaks) {
    const std::lock_guard lock(mutex_);
    for (auto* stat : {&statistics_.count, &statistics_.bytes}) {
      peaks ? stat->reset_peak() : stat->reset_accumulated();
    }
  }
  static PinnedAllocator& instance() {
    static auto* allocator = new PinnedAllocator;  // outlives every tensor
    return *allocator;
  }

 private:
  static void release(void* memory) {
    if (!memory) return;
    {
      PinnedAllocator& self = instance();
      const std::lock_guard lock(self.mutex_);
      const auto range = self.ranges_.find(static_cast<const char*>(memory));
      self.statistics_.count.decrease(1);
      self.statistics_.bytes.decrease(range->second);
      self.ranges_.erase(range);
    }
    std::free(memory);
  }

  std::mutex mutex_;
  std::map<const char*, size_t> ranges_;  // guarded by mutex_
  PinnedStatistics statistics_;           // guarded by mutex_
};

}  // namespace

c10::Allocator& pinned_allocator() { return PinnedAllocator::instance(); }
PinnedStatistics pinned_statistics_now() { return PinnedAllocator::instance().statistics(); }
void reset_pinned_statistics(bool peaks) { PinnedAllocator::instance().reset(peaks); }
bool is_pinned_address(const void* address) { return PinnedAllocator::instance().owns(address); }

}  // namespace moai::front
