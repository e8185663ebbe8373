// Outbox: the one way out to a front, for the executor and for signs of life from other threads.
//
// Any thread; one sends at a time. After a failed send everything is dropped and the link closed,
// which the receiving thread sees.
#pragma once

#include <atomic>
#include <chrono>
#include <mutex>
#include <span>
#include <string>
#include <string_view>

#include "moai/comm/link/link.h"
#include "moai/worker/exec/replies.h"

namespace moai::worker {

class Outbox final : public Replies {
 public:
  // A front that takes no byte for `stall` is given up.
  Outbox(comm::Link* link, std::chrono::milliseconds stall) : link_(*link), stall_(stall) {}

  void send(const dispatch::Message& message) override;
  void send_data(dispatch::RequestId request, uint32_t range, std::string_view bytes) override;
  // A Ping, unless something was sent since `quiet` ago or is being sent.
  void ping(std::chrono::milliseconds quiet);

 private:
  void send_parts(std::span<const std::string_view> parts);
  static int64_t now_ms();

  comm::Link& link_;  // outlives this
  const std::chrono::milliseconds stall_;
  std::mutex mutex_;
  std::string frame_;    // guarded by mutex_
  bool broken_ = false;  // guarded by mutex_
  std::atomic<int64_t> last_ms_{0};
};

}  // namespace moai::worker
