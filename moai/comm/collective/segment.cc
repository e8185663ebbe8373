#include "moai/comm/collective/segment.h"

#include <algorithm>
#include <cstring>
#include <thread>
#include <type_traits>

namespace moai::comm {
namespace {

constexpr uint64_t kMagic = 0x314c4c4f4349414d;  // "MAICOLL1"
constexpr size_t kLine = 64;
constexpr size_t kFailureTextMax = 2048;
constexpr std::chrono::milliseconds kLookForOthers{2};

enum FailureState : uint32_t { kNone = 0, kBeingWritten = 1, kWritten = 2 };

constexpr size_t aligned(size_t bytes) { return (bytes + kLine - 1) / kLine * kLine; }

// The length and an encoded operation with two sizes a rank.
size_t head_bytes(uint32_t ranks) { return aligned(sizeof(uint32_t) + 32 + size_t{20} * ranks); }

size_t slot_stride(const SegmentOptions& o) { return head_bytes(o.ranks) + aligned(o.slot_bytes); }

size_t mails(const SegmentOptions& o) { return size_t{o.ranks} * o.ranks; }

}  // namespace

struct Segment::Header {
  uint64_t magic;
  uint64_t slot_bytes, mail_bytes;
  uint32_t ranks;
  alignas(kLine) std::atomic<uint32_t> joined;
  std::atomic<uint32_t> left;
  alignas(kLine) std::atomic<uint32_t> failure_state;
  int32_t failure_code;
  uint32_t failure_size;
  char failure_text[kFailureTextMax];
};

namespace {

constexpr size_t kRanksAt = 4096;
static_assert(std::is_trivially_destructible_v<RankRecord>, "lies in shared memory");

size_t slots_at(const SegmentOptions& o) { return kRanksAt + o.ranks * sizeof(RankRecord); }
size_t mails_at(const SegmentOptions& o) {
  return slots_at(o) + size_t{2} * o.ranks * slot_stride(o);
}
size_t mail_contents_at(const SegmentOptions& o) {
  return mails_at(o) + mails(o) * sizeof(MailRecord);
}
size_t whole_bytes(const SegmentOptions& o) {
  return mail_contents_at(o) + mails(o) * aligned(o.mail_bytes);
}

Status other_layout(const SegmentOptions& o) {
  return failed_precondition("[comm.collective] the segment '" + o.name +
                             "' is not of this group: expected " + std::to_string(o.ranks) +
                             " ranks with slots of " + std::to_string(o.slot_bytes) +
                             " bytes; all ranks need the same options and the same build");
}

}  // namespace

Result<std::unique_ptr<Segment>> Segment::open(const SegmentOptions& options) {
  static_assert(sizeof(Header) <= kRanksAt);
  const size_t bytes = whole_bytes(options);
  auto file = SegmentFile::open(options.folder, options.name, bytes, [&](std::byte* data) {
    auto& header = *reinterpret_cast<Header*>(data);
    header.slot_bytes = options.slot_bytes;
    header.mail_bytes = options.mail_bytes;
    header.ranks = options.ranks;
    header.magic = kMagic;
  });
  if (!file.ok()) return file.status();
  if (file->bytes() != bytes) return other_layout(options);
  std::unique_ptr<Segment> segment(new Segment(options, *std::move(file)));
  const Header& header = segment->header();
  if (header.magic != kMagic || header.slot_bytes != options.slot_bytes ||
      header.mail_bytes != options.mail_bytes || header.ranks != options.ranks) {
    return other_layout(options);
  }
  return segment;
}

Segment::Header& Segment::header() const { return *reinterpret_cast<Header*>(file_.data()); }

RankRecord& Segment::rank(uint32_t rank) const {
  return reinterpret_cast<RankRecord*>(file_.data() + kRanksAt)[rank];
}

Status Segment::claim(uint32_t number) {
  RankRecord& record = rank(number);
  uint32_t absent = static_cast<uint32_t>(Presence::kAbsent);
  if (!record.presence.compare_exchange_strong(absent, static_cast<uint32_t>(Presence::kClaimed))) {
    return already_exists("[comm.collective] rank " + std::to_string(number) + " of '" +
                          options_.name + "' is taken by process " + std::to_string(record.pid) +
                          "; each process needs a rank of its own, and each group a name");
  }
  const auto self = process_id(::getpid());
  record.pid = self ? self->pid : ::getpid();
  record.start_ticks = self ? self->start_ticks : 0;
  record.presence.store(static_cast<uint32_t>(Presence::kHere), std::memory_order_release);
  if (header().joined.fetch_add(1) + 1 == ranks()) file_.unlink();
  return ok_status();
}

void Segment::leave(uint32_t number, std::chrono::milliseconds linger) {
  rank(number).presence.store(static_cast<uint32_t>(Presence::kLeft), std::memory_order_release);
  wake_all();
  const auto end = std::chrono::steady_clock::now() + linger;
  while (header().joined.load() < ranks() && std::chrono::steady_clock::now() < end) {
    std::this_thread::sleep_for(kLookForOthers);
  }
  if (header().left.fetch_add(1) + 1 == header().joined.load()) file_.unlink();
}

std::byte* Segment::slot(uint32_t rank, uint32_t slot) const {
  return file_.data() + slots_at(options_) + (size_t{2} * rank + slot) * slot_stride(options_);
}

void Segment::set_head(uint32_t rank, uint32_t slot_number, std::string_view head) const {
  std::byte* at = slot(rank, slot_number);
  const auto size = static_cast<uint32_t>(head.size());
  std::memcpy(at, &size, sizeof size);
  if (!head.empty()) std::memcpy(at + sizeof size, head.data(), head.size());
}

std::string_view Segment::head(uint32_t rank, uint32_t slot_number) const {
  const std::byte* at = slot(rank, slot_number);
  uint32_t size = 0;
  std::memcpy(&size, at, sizeof size);
  const size_t most = head_bytes(ranks()) - sizeof size;
  return {reinterpret_cast<const char*>(at + sizeof size), std::min<size_t>(size, most)};
}

std::byte* Segment::content(uint32_t rank, uint32_t slot_number) const {
  return slot(rank, slot_number) + head_bytes(ranks());
}

MailRecord& Segment::mail(uint32_t from, uint32_t to) const {
  return reinterpret_cast<MailRecord*>(file_.data() + mails_at(options_))[from * ranks() + to];
}

std::byte* Segment::mail_content(uint32_t from, uint32_t to) const {
  return file_.data() + mail_contents_at(options_) +
         (size_t{from} * ranks() + to) * aligned(options_.mail_bytes);
}

void Segment::wake_all() const {
  for (uint32_t a = 0; a < ranks(); ++a) {
    wake_sleepers(&rank(a).published);
    wake_sleepers(&rank(a).released);
    for (uint32_t b = 0; b < ranks(); ++b) {
      wake_sleepers(&mail(a, b).written);
      wake_sleepers(&mail(a, b).taken);
    }
  }
}

void Segment::fail(const Status& why) const {
  Header& h = header();
  uint32_t none = kNone;
  if (!h.failure_state.compare_exchange_strong(none, kBeingWritten)) return;
  h.failure_code = static_cast<int32_t>(why.code());
  h.failure_size = static_cast<uint32_t>(std::min(why.message().size(), kFailureTextMax));
  std::memcpy(h.failure_text, why.message().data(), h.failure_size);
  h.failure_state.store(kWritten, std::memory_order_release);
  wake_all();
}

bool Segment::failed() const {
  return header().failure_state.load(std::memory_order_acquire) != kNone;
}

Status Segment::failure() const {
  if (!failed()) return ok_status();
  const Header& h = header();
  // Who writes it may be killed meanwhile.
  for (int i = 0; i < 100 && h.failure_state.load(std::memory_order_acquire) != kWritten; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  if (h.failure_state.load(std::memory_order_acquire) != kWritten || h.failure_code <= 0 ||
      h.failure_code > static_cast<int>(Code::kUnauthenticated)) {
    return aborted("[comm.collective] another rank failed and could not say why; see its log");
  }
  const size_t size = std::min<size_t>(h.failure_size, kFailureTextMax);
  return {static_cast<Code>(h.failure_code), std::string(h.failure_text, size)};
}

}  // namespace moai::comm
