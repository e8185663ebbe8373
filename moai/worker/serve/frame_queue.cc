#include "moai/worker/serve/frame_queue.h"

#include <algorithm>

namespace moai::worker {

using std::chrono::steady_clock;

bool FrameQueue::push(std::string& frame, Deadline deadline) {
  {
    std::unique_lock lock(mutex_);
    const auto room = [&] {
      return closed_ || frames_.empty() || bytes_ + frame.size() <= bytes_max_;
    };
    if (!popped_.wait_until(lock, deadline, room) || closed_) return false;
    bytes_ += frame.size();
    frames_.push_back(std::move(frame));
    count_.store(frames_.size(), std::memory_order_release);
  }
  pushed_.notify_one();
  return true;
}

std::optional<std::string> FrameQueue::try_pop() {
  if (empty()) return std::nullopt;
  std::optional<std::string> frame;
  {
    std::lock_guard lock(mutex_);
    if (frames_.empty()) return std::nullopt;
    frame = std::move(frames_.front());
    frames_.pop_front();
    bytes_ -= frame->size();
    count_.store(frames_.size(), std::memory_order_release);
  }
  popped_.notify_one();
  return frame;
}

std::optional<std::string> FrameQueue::pop(Deadline deadline) {
  if (auto frame = try_pop()) return frame;
  const auto spin_until = std::min(deadline, steady_clock::now() + std::chrono::microseconds(50));
  while (empty() && !closed() && steady_clock::now() < spin_until) {
  }
  if (empty()) {
    std::unique_lock lock(mutex_);
    pushed_.wait_until(lock, deadline, [&] { return closed_ || !frames_.empty(); });
  }
  return try_pop();
}

void FrameQueue::close() {
  {
    std::lock_guard lock(mutex_);
    closed_.store(true, std::memory_order_release);
    frames_.clear();
    bytes_ = 0;
    count_.store(0, std::memory_order_release);
  }
  popped_.notify_all();
  pushed_.notify_all();
}

}  // namespace moai::worker
