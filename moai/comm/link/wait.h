// Waker and wait_ready: sleeping on a socket until it is ready, a deadline passes, an interrupt
// ends it, or another thread closes the link.
#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>

#include "moai/base/fd.h"
#include "moai/base/status.h"
#include "moai/comm/link/link.h"
#include "moai/comm/link/stream.h"

namespace moai::comm {

inline constexpr std::chrono::microseconds kSpin{50};
inline constexpr std::chrono::milliseconds kInterruptEvery{100};

// Once woken stays woken, for all threads that wait and will wait.
class Waker {
 public:
  Waker();
  void wake();
  bool woken() const { return woken_.load(std::memory_order_acquire); }
  int fd() const { return event_.get(); }

 private:
  Fd event_;
  std::atomic<bool> woken_{false};
};

// How long a wait may last. A view of the interrupt; of one thread.
class Patience {
 public:
  Patience(Deadline deadline, const Interrupt& interrupt)
      : deadline_(deadline), interrupt_(interrupt) {}
  // Calls the interrupt when it is time. DEADLINE_EXCEEDED, or what the interrupt returned.
  Status look();
  // When to look again.
  Deadline next() const { return std::min(deadline_, next_interrupt_); }
  Deadline deadline() const { return deadline_; }

 private:
  const Deadline deadline_;
  const Interrupt& interrupt_;
  Deadline next_interrupt_ = std::chrono::steady_clock::now() + kInterruptEvery;
};

// Returns OK when `fd` is ready for `want` (or in error, which the next call on it tells);
// CANCELLED after a wake, or what patience.look() returned.
Status wait_ready(int fd, Want want, const Waker& waker, Patience* patience);

}  // namespace moai::comm
