// Connector: how the engine comes to a Worker and leaves it.
//
// LeaseConnector asks the platform for a lease; tests give links of their own.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>

#include "moai/base/status.h"
#include "moai/comm/link/link.h"
#include "moai/dispatch/messages.h"

namespace moai::driver {

// A fresh link to the Worker of a lease, and how to greet it.
struct Connected {
  std::unique_ptr<comm::Link> link;
  dispatch::Hello hello;
  uint64_t memory_bytes = 0;  // of the device
  uint64_t job_id = 0;
};

class Connector {
 public:
  virtual ~Connector() = default;

  // Waits for a lease, as long as it takes, and connects; looks at `stopped` every 100 ms. One
  // thread. Errors: CANCELLED when `stopped` said so, else why there is no Worker.
  virtual Result<Connected> connect(const std::function<bool()>& stopped) = 0;
  // The link broke. Waits a moment for the platform to say why; returns that, or `how`. Any thread.
  virtual Status lost(const Status& how) = 0;
  // The lease is not needed any more. Any thread, at any time.
  virtual void give_back() = 0;
  // In a forked child: closes the child's copies of descriptors. Takes no lock.
  virtual void close_copy() = 0;
};

// Makes a Connector that calls `ended` from a thread of its own when a lease is over that nobody
// gave back.
using Ended = std::function<void(const Status&)>;
using MakeConnector = std::function<std::unique_ptr<Connector>(Ended ended)>;

}  // namespace moai::driver
