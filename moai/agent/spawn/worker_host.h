// WorkerHost: starts, watches and ends Worker processes, one a device at most.
//
// One thread owns it. Nothing blocks: what happened is collected by advance(), which the owner
// calls when one of descriptors() is ready or next_deadline_ms() has come. Times are the owner's
// clock in milliseconds.
#pragma once

#include <poll.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "moai/base/process.h"
#include "moai/base/status.h"
#include "moai/identity/peers.h"

namespace moai::agent {

struct WorkerOrder {
  uint32_t device = 0;
  uint64_t epoch = 0;
  std::string kind;    // of the device
  std::string secret;  // of the lease; handed over by a pipe, never by arguments or environment
  uint64_t memory_bytes = 0;
  std::string job;    // for logs
  uint32_t rank = 0;  // among the Workers of the lease
  uint32_t ranks = 1;
  std::string group_secret = {};  // by which they know each other; empty: it is alone
};

struct WorkerEvent {
  enum class Kind { kReady, kEnded };
  Kind kind = Kind::kReady;
  uint32_t device = 0;
  uint64_t epoch = 0;
  std::string text;  // kReady: the address it listens at; kEnded: the evidence
};

struct RunningProcess {
  uint32_t device = 0;
  uint64_t epoch = 0;
  ProcessId process;
  std::string address;  // empty until it is ready
};

class WorkerHost {
 public:
  virtual ~WorkerHost() = default;

  // FAILED_PRECONDITION while another Worker is on the device.
  virtual Result<ProcessId> start(const WorkerOrder& order, int64_t now_ms) = 0;
  // Watches a Worker that a former agent started. NOT_FOUND when it is gone.
  virtual Status adopt(const RunningProcess& worker) = 0;
  // Asks the Worker on the device to end, kills its process group when it does not. kEnded follows
  // with `why` as its evidence; nothing happens when there is none.
  virtual void stop(uint32_t device, const std::string& why, int64_t now_ms) = 0;

  // Tells the Worker on the device all Workers of its lease, by rank, and itself among them. Does
  // nothing for one that is alone, was told before, or was adopted: that one was told by the agent
  // that started it, or ends because that agent never did. An error: it cannot be told.
  virtual Status introduce(uint32_t device, const std::vector<identity::Peer>& peers) = 0;

  virtual std::optional<RunningProcess> on_device(uint32_t device) const = 0;
  virtual std::vector<RunningProcess> running() const = 0;

  virtual std::vector<pollfd> descriptors() const = 0;
  virtual std::optional<int64_t> next_deadline_ms() const = 0;
  virtual std::vector<WorkerEvent> advance(int64_t now_ms) = 0;
};

}  // namespace moai::agent
