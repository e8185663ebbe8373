// MailRing: a ring of bytes in shared memory from one rank to another; internal to the shared
// memory group. One thread at a time writes, one reads.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstring>

#include "moai/comm/collective/segment.h"

namespace moai::comm {

class MailRing {
 public:
  MailRing(const Segment* segment, uint32_t from, uint32_t to)
      : record_(&segment->mail(from, to)),
        content_(segment->mail_content(from, to)),
        bytes_(segment->mail_bytes()) {}

  // Bounded, whatever the other side wrote there.
  size_t waiting() const {
    return std::min<size_t>(bytes_, record_->written.value.load(std::memory_order_acquire) -
                                        record_->taken.value.load(std::memory_order_acquire));
  }
  size_t room() const { return bytes_ - waiting(); }
  Signal* written() const { return &record_->written; }
  Signal* taken() const { return &record_->taken; }
  // The value of written() once a byte waits, of taken() once there is room for one.
  uint32_t when_waiting() const { return record_->taken.value.load() + 1; }
  uint32_t when_room() const {
    return record_->written.value.load() - static_cast<uint32_t>(bytes_) + 1;
  }

  void write(const std::byte* data, size_t n) const {  // n <= room()
    const uint32_t at = record_->written.value.load(std::memory_order_relaxed);
    const size_t begin = at & (bytes_ - 1), first = std::min(n, bytes_ - begin);
    std::memcpy(content_ + begin, data, first);
    std::memcpy(content_, data + first, n - first);
    raise_signal(&record_->written, at + static_cast<uint32_t>(n));
  }
  void read(std::byte* data, size_t n) const {  // n <= waiting()
    const uint32_t at = record_->taken.value.load(std::memory_order_relaxed);
    const size_t begin = at & (bytes_ - 1), first = std::min(n, bytes_ - begin);
    std::memcpy(data, content_ + begin, first);
    std::memcpy(data + first, content_, n - first);
    raise_signal(&record_->taken, at + static_cast<uint32_t>(n));
  }

 private:
  MailRecord* record_;  // of the segment, which outlives this
  std::byte* content_;
  size_t bytes_;
};

}  // namespace moai::comm
