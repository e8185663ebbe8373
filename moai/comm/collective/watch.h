// Watch: waiting for a peer in shared memory, while looking for failures and for peers that ended;
// internal to the shared memory group.
#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "moai/base/status.h"
#include "moai/comm/collective/group.h"
#include "moai/comm/collective/segment.h"
#include "moai/comm/collective/signal.h"

namespace moai::comm {

class Watch {
 public:
  // `members`: what the ranks are called in messages.
  Watch(const Segment* segment, uint32_t self, const GroupOptions& options,
        std::vector<int> members)
      : segment_(*segment),
        self_(self),
        patience_(options.patience),
        arrival_(std::min(options.arrival, options.patience)),
        members_(std::move(members)) {}

  // Returns when `signal` of `peer` has reached `target`. Spins at most 50 us, then sleeps. Else
  // the group's failure; UNAVAILABLE: a rank ended, or `peer` left; DEADLINE_EXCEEDED: the patience
  // is over; CANCELLED: `stop` was set.
  Status wait(Signal* signal, uint32_t target, uint32_t peer,
              const std::atomic<bool>* stop = nullptr) const;
  // UNAVAILABLE: a rank ended without having left.
  Status check_alive() const;

 private:
  bool has_left(uint32_t peer) const;
  std::string name(uint32_t peer) const { return "rank " + std::to_string(members_[peer]); }

  const Segment& segment_;  // outlives this
  const uint32_t self_;
  const std::chrono::milliseconds patience_, arrival_;
  const std::vector<int> members_;
};

}  // namespace moai::comm
