// Connector: how the engine comes to the Workers of a lease and leaves them.
//
// LeaseConnector asks the platform for a lease; tests give links of their own.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "moai/base/status.h"
#include "moai/comm/link/link.h"
#include "moai/dispatch/messages.h"

namespace moai::driver {

// A fresh link to one Worker, and how to greet it.
struct ConnectedWorker {
  std::unique_ptr<comm::Link> link;
  dispatch::Hello hello;
  std::string name;     // "rank 2 of 4 (device 0 of node back01)", for messages
  std::string host_id;  // equal for Workers that can share memory; empty: not known
};

struct Connected {
  std::vector<ConnectedWorker> workers;  // by rank, one a device; at least one
  uint64_t memory_bytes = 0;             // of all devices together
  uint64_t job_id = 0;
};

class Connector {
 public:
  virtual ~Connector() = default;

  // Waits for a lease, as long as it takes, and connects to all its Workers; looks at `stopped`
  // every 100 ms. One thread. Errors: CANCELLED when `stopped` said so, else why there is no lease,
  // or which Worker could not be reached.
  virtual Result<Connected> connect(const std::function<bool()>& stopped) = 0;
  // The link to the Worker of this rank broke. Waits a moment for the platform to say why; returns
  // that, or `how`. Any thread.
  virtual Status lost(size_t rank, const Status& how) = 0;
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
