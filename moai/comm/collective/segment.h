// Segment: what the ranks of a shared memory group have in common; internal to that group.
//
// For each rank a record with its counters and two slots, used in turn by the rounds of a call; for
// each ordered pair of ranks a ring of bytes for send(); and one place for the first failure.
// docs/formats/collective.md has the layout.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "moai/base/process.h"
#include "moai/base/status.h"
#include "moai/comm/collective/segment_file.h"
#include "moai/comm/collective/signal.h"

namespace moai::comm {

struct SegmentOptions {
  std::string folder = "/dev/shm";
  std::string name{};
  uint32_t ranks = 0;
  uint64_t slot_bytes = 0;
  uint64_t mail_bytes = 0;  // a power of two

  bool operator==(const SegmentOptions&) const = default;
};

enum class Presence : uint32_t { kAbsent = 0, kClaimed = 1, kHere = 2, kLeft = 3 };

struct RankRecord {
  Signal published;  // rounds written
  Signal released;   // rounds read
  alignas(64) std::atomic<uint32_t> presence;
  int64_t pid;  // valid once here
  uint64_t start_ticks;
};

struct MailRecord {
  Signal written;  // bytes
  Signal taken;
};

class Segment {
 public:
  static Result<std::unique_ptr<Segment>> open(const SegmentOptions& options);

  // This process becomes `rank`; ALREADY_EXISTS when somebody is. The last one takes the name away.
  Status claim(uint32_t rank);
  // Ends what claim() began. Without all others the name would be lost on those who come later, so
  // it waits for them up to `linger`.
  void leave(uint32_t rank, std::chrono::milliseconds linger);

  uint32_t ranks() const { return options_.ranks; }
  size_t slot_bytes() const { return options_.slot_bytes; }
  size_t mail_bytes() const { return options_.mail_bytes; }
  const SegmentOptions& options() const { return options_; }

  RankRecord& rank(uint32_t rank) const;
  // The operation that begins in this slot; empty in the further rounds of a call. A text of a
  // hostile length comes back cut.
  void set_head(uint32_t rank, uint32_t slot, std::string_view head) const;
  std::string_view head(uint32_t rank, uint32_t slot) const;
  std::byte* content(uint32_t rank, uint32_t slot) const;
  MailRecord& mail(uint32_t from, uint32_t to) const;
  std::byte* mail_content(uint32_t from, uint32_t to) const;

  // Keeps the first failure only, and wakes everybody.
  void fail(const Status& why) const;
  bool failed() const;
  Status failure() const;

 private:
  struct Header;

  Segment(SegmentOptions options, SegmentFile file)
      : options_(std::move(options)), file_(std::move(file)) {}
  Header& header() const;
  std::byte* slot(uint32_t rank, uint32_t slot) const;
  void wake_all() const;

  const SegmentOptions options_;
  const SegmentFile file_;
};

}  // namespace moai::comm
