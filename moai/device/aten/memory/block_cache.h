// BlockCache: host memory in size classes, counted against a limit.
//
// Freed blocks are kept and given out again: plain malloc gives large blocks back to the kernel,
// whose page faults then cost more than the kernels that fill them. What is kept is bounded by
// twice the bytes that were ever live at once (and by the limit), so it follows the program.
//
// Thread-safe: one mutex. Blocks are aligned to 64 bytes.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <mutex>

namespace moai::device {

class BlockCache {
 public:
  static constexpr size_t kAlignment = 64;

  explicit BlockCache(uint64_t limit_bytes = 0) : limit_bytes_(limit_bytes) {}
  ~BlockCache() { trim(0); }
  BlockCache(const BlockCache&) = delete;
  BlockCache& operator=(const BlockCache&) = delete;

  // Null past the limit, or when the machine has no more.
  void* allocate(uint64_t size_bytes);
  // `block` came from allocate of this cache; null is ignored.
  void free(void* block);
  // Gives kept blocks back until at most `keep_bytes` are kept.
  void trim(uint64_t keep_bytes);

  // 0: none. What is live already stays.
  void set_limit(uint64_t limit_bytes);

  struct Figures {
    uint64_t limit = 0;
    uint64_t live = 0;      // bytes asked for and not freed
    uint64_t peak = 0;      // most of it so far
    uint64_t reserved = 0;  // taken from the system: live and kept, rounded up
  };
  Figures figures() const;
  // The largest `live` starts anew at what is live now.
  void reset_peak();

 private:
  struct Header;
  static constexpr size_t kClasses = 16 * 42;

  static Header* header_of(void* block);
  Header* take(size_t size_class);
  Header* make(size_t size_class, uint64_t bytes, uint64_t size);
  void trim_locked(uint64_t keep_bytes);

  mutable std::mutex mutex_;
  // All guarded by mutex_.
  uint64_t limit_bytes_;
  uint64_t live_bytes_ = 0, peak_bytes_ = 0;
  uint64_t reserved_bytes_ = 0, kept_bytes_ = 0;
  std::array<Header*, kClasses> kept_{};  // stacks
};

}  // namespace moai::device
