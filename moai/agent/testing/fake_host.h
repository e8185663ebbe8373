// A WorkerHost without processes: tests say what happens to its Workers.
#pragma once

#include <map>
#include <utility>

#include "moai/agent/spawn/worker_host.h"

namespace moai::agent {

class FakeHost : public WorkerHost {
 public:
  Result<ProcessId> start(const WorkerOrder& order, int64_t) override {
    if (!start_error.ok()) return start_error;
    if (workers.count(order.device)) return failed_precondition("device has a Worker");
    started.push_back(order);
    workers[order.device] = {order.device, order.epoch, {++last_pid, 1}, ""};
    return workers[order.device].process;
  }
  Status adopt(const RunningProcess& worker) override {
    workers[worker.device] = worker;
    return ok_status();
  }
  void stop(uint32_t device, const std::string& why, int64_t) override {
    if (workers.count(device)) stopped[device] = why;
  }
  Status introduce(uint32_t device, const std::vector<identity::Peer>& peers) override {
    introduced[device] = peers;
    return introduce_error;
  }
  std::optional<RunningProcess> on_device(uint32_t device) const override {
    const auto at = workers.find(device);
    return at == workers.end() ? std::nullopt : std::optional(at->second);
  }
  std::vector<RunningProcess> running() const override {
    std::vector<RunningProcess> all;
    for (const auto& [device, worker] : workers) all.push_back(worker);
    return all;
  }
  std::vector<pollfd> descriptors() const override { return {}; }
  std::optional<int64_t> next_deadline_ms() const override { return std::nullopt; }
  std::vector<WorkerEvent> advance(int64_t) override { return std::exchange(events, {}); }

  // ---- what tests do
  void becomes_ready(uint32_t device) {
    workers[device].address = "unix:w" + std::to_string(device);
    events.push_back(
        {WorkerEvent::Kind::kReady, device, workers[device].epoch, workers[device].address});
  }
  void ends(uint32_t device, const std::string& evidence) {
    events.push_back({WorkerEvent::Kind::kEnded, device, workers[device].epoch, evidence});
    workers.erase(device);
  }

  std::map<uint32_t, RunningProcess> workers;
  std::map<uint32_t, std::string> stopped;  // why, by device
  std::map<uint32_t, std::vector<identity::Peer>> introduced;
  std::vector<WorkerOrder> started;
  std::vector<WorkerEvent> events;
  Status start_error, introduce_error;
  int64_t last_pid = 1'000'000'000;
};

}  // namespace moai::agent
