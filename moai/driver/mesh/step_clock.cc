#include "moai/driver/mesh/step_clock.h"

#include <algorithm>
#include <utility>

namespace moai::driver {

bool StepClock::measures_next() {
  const std::lock_guard lock(mutex_);
  return ++steps_ % kEvery == 0;
}

void StepClock::begin_anew() {
  const std::lock_guard lock(mutex_);
  measured_.clear();
  begin_.clear();
}

void StepClock::began(std::vector<uint64_t> busy_ns) {
  const std::lock_guard lock(mutex_);
  begin_ = std::move(busy_ns);
}

void StepClock::ended(const std::vector<uint64_t>& busy_ns) {
  const std::lock_guard lock(mutex_);
  if (begin_.size() != busy_ns.size()) return;  // begun under another plan
  uint64_t most = 0;
  for (size_t rank = 0; rank < busy_ns.size(); ++rank) {
    most = std::max(most, busy_ns[rank] - std::min(begin_[rank], busy_ns[rank]));
  }
  begin_.clear();
  measured_.push_back(most);
  if (measured_.size() > kKept) measured_.pop_front();
}

uint64_t StepClock::step_ns() const {
  const std::lock_guard lock(mutex_);
  if (measured_.empty()) return 0;
  std::vector<uint64_t> sorted(measured_.begin(), measured_.end());
  const auto middle = sorted.begin() + static_cast<std::ptrdiff_t>(sorted.size() / 2);
  std::ranges::nth_element(sorted, middle);
  return *middle;
}

}  // namespace moai::driver
