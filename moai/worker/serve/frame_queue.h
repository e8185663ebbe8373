// FrameQueue: frames on their way from the receiving thread to the executor, bounded in bytes.
//
// One thread pushes, one pops, any may close or ask. A frame larger than the bound is taken alone.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <mutex>
#include <optional>
#include <string>

namespace moai::worker {

class FrameQueue {
 public:
  using Deadline = std::chrono::steady_clock::time_point;

  explicit FrameQueue(size_t bytes_max) : bytes_max_(bytes_max) {}

  // Waits for room. False at the deadline or after close(); `frame` is kept then.
  bool push(std::string& frame, Deadline deadline);
  // Nothing when there is none now.
  std::optional<std::string> try_pop();
  // Spins at most 50 us, then sleeps. Nothing at the deadline or after close().
  std::optional<std::string> pop(Deadline deadline);
  // Frames that were not popped are dropped.
  void close();
  bool closed() const { return closed_.load(std::memory_order_acquire); }
  bool empty() const { return count_.load(std::memory_order_acquire) == 0; }

 private:
  const size_t bytes_max_;
  std::mutex mutex_;
  std::condition_variable popped_, pushed_;
  std::deque<std::string> frames_;  // guarded by mutex_
  size_t bytes_ = 0;                // guarded by mutex_
  std::atomic<size_t> count_{0};    // written under mutex_
  std::atomic<bool> closed_{false};
};

}  // namespace moai::worker
