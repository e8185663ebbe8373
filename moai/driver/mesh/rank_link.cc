#include "moai/driver/mesh/rank_link.h"

#include <algorithm>

namespace moai::driver {

uint64_t RankLink::pass(uint64_t first_sequence, std::vector<uint32_t> calls, uint64_t count) {
  const uint64_t first = sequence_ + 1;
  sequence_ += count;
  const std::lock_guard lock(mutex_);
  ran_.push_back({first, first_sequence, std::move(calls)});
  if (ran_.size() > kRunsKept) ran_.pop_front();
  return first;
}

uint64_t RankLink::sequence_of(uint64_t rank_sequence) const {
  const std::lock_guard lock(mutex_);
  const auto after = std::ranges::upper_bound(ran_, rank_sequence, {}, &Ran::first);
  if (after == ran_.begin()) return 0;
  const Ran& ran = *std::prev(after);
  uint64_t at = rank_sequence - ran.first;
  if (at >= ran.calls.size()) return ran.first_sequence;
  while (at > 0 && ran.calls[at] == 0) --at;
  return ran.first_sequence + std::max<uint64_t>(ran.calls[at], 1) - 1;
}

}  // namespace moai::driver
