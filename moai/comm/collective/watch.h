// Watch: waiting for a peer in shared memory, while looking for failures and for peers that ended;
// internal to the shared memory group.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>

#include "moai/base/status.h"
#include "moai/comm/collective/segment.h"
#include "moai/comm/collective/signal.h"

namespace moai::comm {

class Watch {
 public:
  Watch(const Segment* segment, uint32_t self, std::chrono::milliseconds patience)
      : segment_(*segment), self_(self), patience_(patience) {}

  // Returns when `signal` of `peer` has reached `target`. Spins at most 50 us, then sleeps. Else
  // the group's failure; UNAVAILABLE: a rank ended, or `peer` left; DEADLINE_EXCEEDED: the patience
  // is over; CANCELLED: `stop` was set.
  Status wait(Signal* signal, uint32_t target, uint32_t peer,
              const std::atomic<bool>* stop = nullptr) const;

 private:
  Status check_alive() const;
  bool has_left(uint32_t peer) const;

  const Segment& segment_;  // outlives this
  const uint32_t self_;
  const std::chrono::milliseconds patience_;
};

}  // namespace moai::comm
