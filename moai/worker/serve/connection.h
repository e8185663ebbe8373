// Connection: one front that was admitted, until it leaves.
//
// The thread that calls run() receives and executes. Executed bytes are returned as Credit, at the
// latest when nothing came for 2 ms. A thread of the connection keeps the front while something is
// executed: it drains the link and says Ping at least once a second. Everything the front had here
// is gone when run() returns.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "moai/comm/link/link.h"
#include "moai/device/device.h"
#include "moai/worker/collective/mesh.h"
#include "moai/worker/serve/inbox.h"
#include "moai/worker/serve/outbox.h"
#include "moai/worker/windows/compile_folder.h"

namespace moai::worker {

struct ConnectionOptions {
  uint64_t credit_bytes = uint64_t{64} << 20;
  std::chrono::milliseconds stall{60'000};  // a front that takes no byte for it is given up
  std::chrono::milliseconds ping{500};      // quiet time after which a busy Worker says Ping
  const CompileSite* compiles = nullptr;    // outlives the connection; null: nothing is compiled
  Peers* peers = nullptr;                   // outlives the connection; null: there is no mesh
  comm::GroupOptions groups = kMeshGroups;
  NcclSetup nccl{};           // its queue is of the device
  std::string counts_file{};  // as of Executor
};

class Connection {
 public:
  Connection(std::unique_ptr<comm::Link> link, device::Device* device, ConnectionOptions options);

  // Returns when the front left or was sent away. Once.
  void run();
  // Any thread: tells the front why, ends the link, and lets run() return after the frame at hand.
  void end(Code code, const std::string& text);
  // The link is gone, though run() may still be in a frame. Any thread.
  bool ended() const { return inbox_.ended(); }

 private:
  void keep();
  void execute_all();
  std::optional<std::string> next_frame();
  void return_credit(uint64_t at_least);

  std::unique_ptr<comm::Link> link_;
  device::Device& device_;
  const ConnectionOptions options_;
  Outbox outbox_;
  Inbox inbox_;
  std::optional<Mesh> mesh_;
  std::atomic<bool> busy_{false};  // frames are executed one after the other
  uint64_t executed_bytes_ = 0;    // of run(): not yet returned as credit
  std::mutex mutex_;
  std::condition_variable changed_;
  bool done_ = false;  // guarded by mutex_
};

}  // namespace moai::worker
