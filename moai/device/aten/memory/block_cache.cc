#include "moai/device/aten/memory/block_cache.h"

#include <algorithm>
#include <bit>
#include <cstdlib>
#include <new>

namespace moai::device {
namespace {

constexpr uint64_t kSlackBytes = uint64_t{64} << 20;
constexpr uint64_t kSizeBytesMax = uint64_t{1} << 44;
constexpr int kStepBits = 4;  // eight classes between powers of two: at most 1/8 is wasted
constexpr uint64_t kSmallest = BlockCache::kAlignment;

struct SizeClass {
  size_t index;
  uint64_t bytes;
};

// Classes: 64 × (1, 2, …, 16), then in eight steps to each next power of two.
SizeClass size_class_of(uint64_t size) {
  const uint64_t units = std::max<uint64_t>(1, (size + kSmallest - 1) / kSmallest);
  const int shift = std::max(0, static_cast<int>(std::bit_width(units - 1)) - kStepBits);
  const uint64_t steps = ((units - 1) >> shift) + 1;
  return {(static_cast<size_t>(shift) << kStepBits) + steps - 1, (steps << shift) * kSmallest};
}

}  // namespace

// Stands before the block, one alignment long.
struct BlockCache::Header {
  Header* next;    // while kept
  uint64_t size;   // asked for, while live
  uint64_t bytes;  // of the class
  size_t class_index;
};

BlockCache::Header* BlockCache::header_of(void* block) {
  static_assert(sizeof(Header) <= kAlignment);
  return reinterpret_cast<Header*>(static_cast<char*>(block) - kAlignment);
}

BlockCache::Header* BlockCache::take(size_t size_class) {
  Header* header = kept_[size_class];
  if (!header) return nullptr;
  kept_[size_class] = header->next;
  kept_bytes_ -= header->bytes;
  return header;
}

BlockCache::Header* BlockCache::make(size_t size_class, uint64_t bytes, uint64_t size) {
  uint64_t bound = 2 * std::max(peak_bytes_, live_bytes_ + size) + kSlackBytes;
  if (limit_bytes_) bound = std::min(bound, limit_bytes_);
  const uint64_t used = reserved_bytes_ - kept_bytes_ + bytes;
  trim_locked(bound > used ? bound - used : 0);
  void* memory = std::aligned_alloc(kAlignment, bytes + kAlignment);
  if (!memory) {
    trim_locked(0);
    memory = std::aligned_alloc(kAlignment, bytes + kAlignment);
  }
  if (!memory) return nullptr;
  reserved_bytes_ += bytes;
  return new (memory) Header{nullptr, 0, bytes, size_class};
}

void* BlockCache::allocate(uint64_t size) {
  if (size > kSizeBytesMax) return nullptr;
  const SizeClass wanted = size_class_of(size);
  std::lock_guard lock(mutex_);
  if (limit_bytes_ && (size > limit_bytes_ || live_bytes_ > limit_bytes_ - size)) return nullptr;
  Header* header = take(wanted.index);
  if (!header) header = make(wanted.index, wanted.bytes, size);
  if (!header) return nullptr;
  header->size = size;
  live_bytes_ += size;
  peak_bytes_ = std::max(peak_bytes_, live_bytes_);
  return reinterpret_cast<char*>(header) + kAlignment;
}

void BlockCache::free(void* block) {
  if (!block) return;
  Header* header = header_of(block);
  std::lock_guard lock(mutex_);
  live_bytes_ -= header->size;
  header->next = kept_[header->class_index];
  kept_[header->class_index] = header;
  kept_bytes_ += header->bytes;
}

void BlockCache::trim(uint64_t keep_bytes) {
  std::lock_guard lock(mutex_);
  trim_locked(keep_bytes);
}

void BlockCache::trim_locked(uint64_t keep_bytes) {
  for (size_t at = kClasses; at-- > 0 && kept_bytes_ > keep_bytes;) {
    while (kept_bytes_ > keep_bytes) {
      Header* header = take(at);
      if (!header) break;
      reserved_bytes_ -= header->bytes;
      std::free(header);
    }
  }
}

void BlockCache::set_limit(uint64_t limit_bytes) {
  std::lock_guard lock(mutex_);
  limit_bytes_ = limit_bytes;
}

BlockCache::Figures BlockCache::figures() const {
  std::lock_guard lock(mutex_);
  return {limit_bytes_, live_bytes_, peak_bytes_, reserved_bytes_};
}

void BlockCache::reset_peak() {
  std::lock_guard lock(mutex_);
  peak_bytes_ = live_bytes_;
}

}  // namespace moai::device
