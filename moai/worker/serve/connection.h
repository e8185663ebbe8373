// Connection: one front that was admitted, until it leaves.
//
// Frames are received by a thread of its own, executed by the thread that calls run(). Executed
// bytes are returned as Credit, at the latest when nothing came for 2 ms. While something is
// executed the front hears at least once a second. Everything the front had here is gone when run()
// returns.
#pragma once

#include <atomic>
#include <chrono>
#include <memory>
#include <string>

#include "moai/comm/link/link.h"
#include "moai/device/device.h"
#include "moai/worker/serve/frame_queue.h"
#include "moai/worker/serve/outbox.h"

namespace moai::worker {

struct ConnectionOptions {
  uint64_t credit_bytes = uint64_t{64} << 20;
  std::chrono::milliseconds stall{60'000};  // a front that takes no byte for it is given up
  std::chrono::milliseconds ping{500};      // quiet time after which a busy Worker says Ping
};

class Connection {
 public:
  Connection(std::unique_ptr<comm::Link> link, device::Device* device, ConnectionOptions options);

  // Returns when the front left or was sent away. Once.
  void run();
  // Any thread: tells the front why, ends the link, and lets run() return after the frame at hand.
  void end(Code code, const std::string& text);
  // The link is gone, though run() may still be in a frame. Any thread.
  bool ended() const { return queue_.closed(); }

 private:
  void receive();
  bool push(std::string frame);
  void execute_all();
  void return_credit(uint64_t at_least);

  std::unique_ptr<comm::Link> link_;
  device::Device& device_;
  const ConnectionOptions options_;
  Outbox outbox_;
  FrameQueue queue_;
  std::atomic<bool> executing_{false};
  uint64_t executed_bytes_ = 0;  // not yet returned as credit
};

}  // namespace moai::worker
