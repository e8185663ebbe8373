// Inbox: frames of one front, received by whoever has time.
//
// The executor receives for itself, so that a frame costs no hop between threads. While it executes
// another thread drains the link now and then: the front can go on sending, and its end is seen.
// Thread-safe; next() by one thread.
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <mutex>
#include <optional>
#include <string>

#include "moai/base/status.h"
#include "moai/comm/link/link.h"

namespace moai::worker {

class Inbox {
 public:
  // drain() keeps at most `bytes_max`, but one frame of any size. The link outlives the inbox.
  Inbox(comm::Link* link, uint64_t bytes_max) : link_(*link), bytes_max_(bytes_max) {}

  // Spins at most 50 us, then sleeps. Nothing at the deadline, and once ended().
  std::optional<std::string> next(comm::Deadline deadline);
  // Takes in what has come, without waiting; nothing while another thread receives.
  void drain();
  // No frame will come any more: the front is gone, or end() was called. Any thread.
  void end() { ended_.store(true, std::memory_order_release); }
  bool ended() const { return ended_.load(std::memory_order_acquire); }

 private:
  std::optional<std::string> receive(comm::Deadline deadline);

  comm::Link& link_;
  const uint64_t bytes_max_;
  std::mutex mutex_;  // held by the thread that receives
  // Both guarded by mutex_.
  std::deque<std::string> kept_;
  uint64_t kept_bytes_ = 0;
  std::atomic<bool> ended_{false};
};

}  // namespace moai::worker
