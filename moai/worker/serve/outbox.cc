#include "moai/worker/serve/outbox.h"

#include "moai/base/log.h"

namespace moai::worker {

int64_t Outbox::now_ms() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

void Outbox::send_parts(std::span<const std::string_view> parts) {
  if (broken_) return;
  const Status status = link_.send(parts, stall_);
  last_ms_ = now_ms();
  if (status.ok()) return;
  broken_ = true;
  if (status.code() != Code::kCancelled) {
    log_warning("front " + link_.peer() + " is given up: " + status.message());
  }
  link_.close();
}

void Outbox::send(const dispatch::Message& message) {
  std::lock_guard lock(mutex_);
  frame_.clear();
  dispatch::encode(message, &frame_);
  const std::string_view parts[] = {frame_};
  send_parts(parts);
}

void Outbox::send_data(dispatch::RequestId request, uint32_t range, std::string_view bytes) {
  std::lock_guard lock(mutex_);
  frame_.clear();
  dispatch::data_header(request, range, bytes.size(), &frame_);
  const std::string_view parts[] = {frame_, bytes};
  send_parts(parts);
}

void Outbox::ping(std::chrono::milliseconds quiet) {
  if (now_ms() - last_ms_ < quiet.count()) return;
  std::unique_lock lock(mutex_, std::try_to_lock);
  if (!lock) return;
  frame_.clear();
  dispatch::encode(dispatch::Ping{}, &frame_);
  const std::string_view parts[] = {frame_};
  send_parts(parts);
}

}  // namespace moai::worker
