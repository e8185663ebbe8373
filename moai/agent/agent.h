// Agent: carries out the master's orders on one node. It never decides and never computes.
//
// Plain state driven from outside: messages and time go in, messages come out of take_outgoing().
// One thread owns it. Times are one clock in milliseconds that grows through suspends (moai-agent
// uses CLOCK_BOOTTIME); saving its state blocks for a disk sync.
//
// Rules it keeps whatever the master says: a device has one Worker; an order with an epoch older
// than the newest seen on its device is refused, also after a restart; when the master was not
// heard for the self-fence time, all Workers are ended.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "moai/agent/probe/probe.h"
#include "moai/agent/spawn/worker_host.h"
#include "moai/agent/state_file.h"
#include "moai/base/status.h"
#include "proto/moai/core.pb.h"

namespace moai::agent {

struct AgentOptions {
  std::string name;     // of the node, unique
  std::string host;     // address that fronts can reach
  std::string version;  // of this program
  int64_t pid = 0;
  int64_t self_fence_ms = 600'000;
  int64_t report_ms = 1000;  // until the master names another
  std::string state_path;
  std::string boot_id;  // of this boot of the machine
  std::string host_id;  // shared_memory_id() of its Workers
};

class Agent {
 public:
  // `probe` and `host` must outlive the Agent.
  Agent(AgentOptions options, Probe* probe, WorkerHost* host);

  // Call first: reads the devices and the state, adopts Workers that live and have the newest epoch
  // of their device, kills the others. An error means that the node must not be registered.
  Status recover(int64_t now_ms);

  // The first message of every stream.
  v1::AgentUp registration() const;
  // Call advance() before, so that messages that lay unread through a long pause cannot hide it.
  void receive(const v1::AgentDown& message, int64_t now_ms);
  // The stream is over; what could not be told will be after the next Registered.
  void detached();
  // Timers and Workers: call when a descriptor of the host is ready or the deadline has come.
  void advance(int64_t now_ms);
  std::optional<int64_t> next_deadline_ms() const;
  std::vector<v1::AgentUp> take_outgoing();

  // Ends every Worker; idle() tells when they are gone.
  void end_workers(const std::string& why, int64_t now_ms);
  bool idle() const;
  bool attached() const { return attached_; }

 private:
  struct Slot {
    ProbedDevice device;
    std::optional<WorkerOrder> pending;  // starts when the Worker before it has ended
    uint64_t ended_epoch = 0;            // the last end, to be told again after a reconnect
    std::string ended_evidence;
  };

  void start(const v1::StartWorker& order, int64_t now_ms);
  void stop(const v1::StopWorker& order, int64_t now_ms);
  void introduce(const v1::Introduce& order, int64_t now_ms);
  void launch(const WorkerOrder& order, int64_t now_ms);
  void adopt(const RunningProcess& worker);
  void heard(int64_t now_ms);
  void fence(int64_t now_ms);
  void report(int64_t now_ms);
  void tell_all();
  void tell_ready(const RunningProcess& worker);
  void tell_ended(uint32_t device, uint64_t epoch, const std::string& evidence);
  void send(v1::AgentUp message);
  // Errors are logged: the caller goes on with what memory holds.
  bool save();

  AgentOptions options_;
  Probe* probe_;
  WorkerHost* host_;
  AgentState state_;
  std::map<uint32_t, Slot> slots_;  // by device
  std::vector<v1::AgentUp> outgoing_;
  bool attached_ = false;
  int64_t last_heard_ms_ = 0;
  bool fenced_ = false;  // Workers were told to end since then
  int64_t next_report_ms_ = 0;
};

}  // namespace moai::agent
