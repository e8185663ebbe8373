#include "moai/front/device/pinned.h"

#include <cstdlib>
#include <map>
#include <mutex>

namespace moai::front {
namespace {

constexpr size_t kAlignment = 256;

class PinnedAllocator final : public at::HostAllocator {
 public:
  c10::DataPtr allocate(size_t size_bytes) override {
    if (size_bytes == 0) return {nullptr, c10::Device(at::kCPU)};
    void* memory =
        std::aligned_alloc(kAlignment, (size_bytes + kAlignment - 1) & ~(kAlignment - 1));
    TORCH_CHECK_WITH(OutOfMemoryError, memory, "no host memory for ", size_bytes, " pinned bytes");
    const std::lock_guard lock(mutex_);
    ranges_[static_cast<const char*>(memory)] = size_bytes;
    count_.increase(1);
    bytes_.increase(size_bytes);
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
  bool record_event(void*, void*, c10::Stream) override { return true; }
  void empty_cache() override {}
  at::HostStats get_stats() override {
    const std::lock_guard lock(mutex_);
    at::HostStats stats;
    stats.allocations = stats.active_requests = count_;
    stats.allocated_bytes = stats.active_bytes = bytes_;
    stats.num_host_alloc = count_.allocated;
    stats.num_host_free = count_.freed;
    return stats;
  }
  void reset_accumulated_stats() override {
    const std::lock_guard lock(mutex_);
    count_.reset_accumulated();
    bytes_.reset_accumulated();
  }
  void reset_peak_stats() override {
    const std::lock_guard lock(mutex_);
    count_.reset_peak();
    bytes_.reset_peak();
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
      self.count_.decrease(1);
      self.bytes_.decrease(range->second);
      self.ranges_.erase(range);
    }
    std::free(memory);
  }

  std::mutex mutex_;
  std::map<const char*, size_t> ranges_;       // guarded by mutex_
  c10::CachingAllocator::Stat count_, bytes_;  // guarded by mutex_
};

}  // namespace

at::HostAllocator& pinned_allocator() { return PinnedAllocator::instance(); }
bool is_pinned_address(const void* address) { return PinnedAllocator::instance().owns(address); }

}  // namespace moai::front
