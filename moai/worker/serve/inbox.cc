#include "moai/worker/serve/inbox.h"

#include "moai/base/log.h"

namespace moai::worker {

// Under mutex_.
std::optional<std::string> Inbox::receive(comm::Deadline deadline) {
  auto frame = link_.receive(deadline, {});
  if (frame.ok()) return std::move(*frame);
  const Code code = frame.status().code();
  if (code == Code::kDeadlineExceeded) return std::nullopt;
  if (code != Code::kUnavailable && code != Code::kCancelled) {
    log_warning("front " + link_.peer() + ": " + frame.status().message());
  }
  end();
  return std::nullopt;
}

std::optional<std::string> Inbox::next(comm::Deadline deadline) {
  const std::lock_guard lock(mutex_);
  if (ended()) return std::nullopt;
  if (kept_.empty()) return receive(deadline);
  std::optional<std::string> frame = std::move(kept_.front());
  kept_.pop_front();
  kept_bytes_ -= frame->size();
  return frame;
}

void Inbox::drain() {
  const std::unique_lock lock(mutex_, std::try_to_lock);
  if (!lock) return;
  while (!ended() && (kept_.empty() || kept_bytes_ < bytes_max_) && link_.readable()) {
    if (auto frame = receive(std::chrono::steady_clock::now())) {
      kept_bytes_ += frame->size();
      kept_.push_back(std::move(*frame));
    }
  }
}

}  // namespace moai::worker
