#include "moai/comm/collective/shared_memory.h"

#include <algorithm>
#include <bit>
#include <cstdio>

#include "moai/comm/collective/segment.h"
#include "moai/comm/collective/shared_memory_group.h"

namespace moai::comm {
namespace {

constexpr int kRanksMax = 256;
constexpr size_t kSlotBytesMin = 4096;
constexpr size_t kSlotBytesMax = size_t{1} << 30;
constexpr size_t kMailBytesMin = 1024;
constexpr size_t kAllMailBytes = 8 << 20;  // of all pairs together

Status check(const SharedMemoryOptions& o) {
  if (o.size < 1 || o.size > kRanksMax || o.rank < 0 || o.rank >= o.size) {
    return invalid_argument("[comm.collective] rank " + std::to_string(o.rank) + " of " +
                            std::to_string(o.size) +
                            ": expected 0 <= rank < size <= " + std::to_string(kRanksMax));
  }
  if (!o.members.empty() && o.members.size() != static_cast<size_t>(o.size)) {
    return invalid_argument("[comm.collective] " + std::to_string(o.members.size()) +
                            " members in a group of " + std::to_string(o.size));
  }
  if (o.slot_bytes >= kSlotBytesMin && o.slot_bytes <= kSlotBytesMax) return ok_status();
  return invalid_argument("[comm.collective] slot_bytes of " + std::to_string(o.slot_bytes) +
                          ": expected " + std::to_string(kSlotBytesMin) + " to " +
                          std::to_string(kSlotBytesMax));
}

SegmentOptions segment_options(const SharedMemoryOptions& o) {
  const size_t pairs = static_cast<size_t>(o.size) * static_cast<size_t>(o.size);
  const size_t wanted = std::min(o.mail_bytes, kAllMailBytes / pairs);
  return {.folder = o.folder,
          .name = o.name,
          .ranks = static_cast<uint32_t>(o.size),
          .slot_bytes = o.slot_bytes / 64 * 64,
          .mail_bytes = std::bit_floor(std::max(wanted, kMailBytesMin))};
}

}  // namespace

Result<std::shared_ptr<Segment>> open_segment(const SharedMemoryOptions& options) {
  MOAI_RETURN_IF_ERROR(check(options));
  MOAI_ASSIGN_OR_RETURN(std::unique_ptr<Segment> segment, Segment::open(segment_options(options)));
  return std::shared_ptr<Segment>(std::move(segment));
}

Result<std::unique_ptr<Group>> join_segment(std::shared_ptr<Segment> segment,
                                            const SharedMemoryOptions& options) {
  MOAI_RETURN_IF_ERROR(check(options));
  MOAI_RETURN_IF_ERROR(segment->claim(static_cast<uint32_t>(options.rank)));
  return std::unique_ptr<Group>(std::make_unique<SharedMemoryGroup>(std::move(segment), options));
}

Result<std::unique_ptr<Group>> join_shared_memory(const SharedMemoryOptions& options) {
  MOAI_ASSIGN_OR_RETURN(std::shared_ptr<Segment> segment, open_segment(options));
  return join_segment(std::move(segment), options);
}

Result<std::unique_ptr<Group>> SharedMemoryGroup::run_make_subgroup(uint64_t id,
                                                                    std::span<const int> ranks) {
  SharedMemoryOptions options = options_;
  // Subgroups of subgroups are told apart by the name of their parent.
  for (const char c : options_.name) id = (id ^ static_cast<uint8_t>(c)) * 0x100000001b3u;
  char text[20];
  std::snprintf(text, sizeof text, ".%016llx", static_cast<unsigned long long>(id));
  options.name = options.name.substr(0, options.name.find('.'));
  options.name += text;
  options.rank = static_cast<int>(std::find(ranks.begin(), ranks.end(), rank()) - ranks.begin());
  options.size = static_cast<int>(ranks.size());
  options.members.clear();
  for (const int r : ranks) options.members.push_back(member(static_cast<size_t>(r)));
  return join_shared_memory(options);
}

}  // namespace moai::comm
