// Worker: serves one front at a time over a device, until it is told to end.
//
// run() executes on its caller's thread; a thread of the Worker admits fronts meanwhile. When a
// front leaves, its storages are dropped and the next may come: the same lease may reconnect. The
// other Workers of the lease are admitted beside it, into peers().
#pragma once

#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>

#include "moai/comm/link/link.h"
#include "moai/device/device.h"
#include "moai/worker/peers/peers.h"
#include "moai/worker/serve/connection.h"
#include "moai/worker/serve/handshake.h"

namespace moai::worker {

struct WorkerOptions {
  Identity identity;
  ConnectionOptions connection;               // its credit is the identity's
  std::chrono::milliseconds hello_max{2000};  // a peer that says no Hello within it is dropped
  std::string ca{};                           // PEM, for other Workers at "tls:"
};

class Worker {
 public:
  // `device` outlives the Worker and is used by run() alone.
  Worker(WorkerOptions options, std::unique_ptr<comm::Listener> listener, device::Device* device);

  // Blocks until stop(), and then for the call that is being executed.
  void run();
  // Any thread, at any time: tells the front and ends everything.
  void stop(const std::string& why);
  std::string address() const { return listener_->address(); }
  Peers& peers() { return peers_; }

 private:
  void accept_all();
  void admit_peer(std::unique_ptr<comm::Link> link);
  void admit_front(std::unique_ptr<comm::Link> link, const dispatch::Hello& hello);
  void admit_worker(std::unique_ptr<comm::Link> link, const dispatch::Join& join);
  Status take(std::unique_ptr<comm::Link>* link, const std::string& client);
  std::shared_ptr<Connection> next();

  const WorkerOptions options_;
  std::unique_ptr<comm::Listener> listener_;
  device::Device& device_;
  Peers peers_;
  std::mutex mutex_;
  std::condition_variable changed_;
  // All guarded by mutex_.
  bool stopped_ = false;
  std::unique_ptr<comm::Link> waiting_;  // admitted, its turn is next
  // Shared by run() and stop(), which may end it while it runs.
  std::shared_ptr<Connection> current_;
  std::string client_;  // of `current_` or `waiting_`
};

}  // namespace moai::worker
