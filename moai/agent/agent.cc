#include "moai/agent/agent.h"

#include <signal.h>

#include <algorithm>

#include "moai/base/log.h"

namespace moai::agent {
namespace {

std::string on_device(uint32_t device) { return " on device " + std::to_string(device); }

void fill(const ProbedDevice& from, v1::Device* to) {
  to->set_index(from.index);
  to->set_kind(from.kind);
  to->set_model(from.model);
  to->set_memory_bytes(from.memory_bytes);
  to->set_simulated(from.simulated);
}

void fill(const DeviceSample& from, v1::DeviceState* to) {
  to->set_memory_used_bytes(from.memory_used_bytes);
  to->set_utilization(from.utilization);
  if (from.temperature_c) to->set_temperature_c(*from.temperature_c);
  if (from.memory_temperature_c) to->set_memory_temperature_c(*from.memory_temperature_c);
  if (from.power_w) to->set_power_w(*from.power_w);
}

}  // namespace

Agent::Agent(AgentOptions options, Probe* probe, WorkerHost* host)
    : options_(std::move(options)), probe_(probe), host_(host) {}

Status Agent::recover(int64_t now_ms) {
  MOAI_ASSIGN_OR_RETURN(const std::vector<ProbedDevice> devices, probe_->devices());
  for (const ProbedDevice& device : devices) slots_[device.index].device = device;
  MOAI_ASSIGN_OR_RETURN(state_, load_state(options_.state_path));
  const bool same_boot = state_.boot_id == options_.boot_id;
  const auto workers = std::exchange(state_.workers, {});
  if (same_boot) {
    for (const auto& [device, worker] : workers) adopt(worker);
  }
  last_heard_ms_ = same_boot && state_.last_heard_ms ? state_.last_heard_ms : now_ms;
  state_.last_heard_ms = last_heard_ms_;
  state_.boot_id = options_.boot_id;
  return save_state(options_.state_path, state_);
}

void Agent::adopt(const RunningProcess& worker) {
  if (!is_alive(worker.process)) return;
  const std::string name =
      "Worker " + std::to_string(worker.process.pid) + on_device(worker.device);
  const bool known = slots_.count(worker.device) && !worker.address.empty() &&
                     worker.epoch == state_.newest_epochs[worker.device];
  if (known && host_->adopt(worker).ok()) {
    state_.workers[worker.device] = worker;
    log_info("Adopted " + name + ", epoch " + std::to_string(worker.epoch));
    return;
  }
  log_warning("Ending " + name + ", which a former agent left unfinished");
  ::kill(-static_cast<pid_t>(worker.process.pid), SIGKILL);
}

v1::AgentUp Agent::registration() const {
  v1::AgentUp message;
  v1::Register& r = *message.mutable_register_();
  r.set_name(options_.name);
  r.set_version(options_.version);
  r.set_host(options_.host);
  r.set_pid(options_.pid);
  r.set_self_fence_ms(options_.self_fence_ms);
  r.set_host_id(options_.host_id);
  for (const auto& [index, slot] : slots_) fill(slot.device, r.add_devices());
  for (const RunningProcess& worker : host_->running()) {
    v1::RunningWorker& w = *r.add_workers();
    w.set_device(worker.device);
    w.set_epoch(worker.epoch);
    w.set_pid(worker.process.pid);
    w.set_address(worker.address);
  }
  return message;
}

void Agent::receive(const v1::AgentDown& message, int64_t now_ms) {
  heard(now_ms);
  switch (message.message_case()) {
    case v1::AgentDown::kRegistered:
      attached_ = true;
      if (message.registered().report_ms() > 0) {
        options_.report_ms = message.registered().report_ms();
      }
      next_report_ms_ = now_ms;
      tell_all();
      break;
    case v1::AgentDown::kStartWorker:
      start(message.start_worker(), now_ms);
      break;
    case v1::AgentDown::kStopWorker:
      stop(message.stop_worker(), now_ms);
      break;
    case v1::AgentDown::kIntroduce:
      introduce(message.introduce(), now_ms);
      break;
    case v1::AgentDown::kHeartbeat:
      break;
    case v1::AgentDown::MESSAGE_NOT_SET:
      log_warning("An order of a newer SDAManager is not understood; update this agent");
      break;
  }
}

void Agent::start(const v1::StartWorker& order, int64_t now_ms) {
  const uint32_t device = order.device();
  const uint64_t epoch = order.epoch();
  const auto at = slots_.find(device);
  if (at == slots_.end()) {
    return tell_ended(device, epoch, "refused: this node has no device " + std::to_string(device));
  }
  Slot& slot = at->second;
  const uint64_t newest = state_.newest_epochs[device];
  if (epoch < newest) {
    return tell_ended(
        device, epoch,
        "refused: the newer epoch " + std::to_string(newest) + " is known" + on_device(device));
  }
  const auto running = host_->on_device(device);
  if (epoch == newest) {
    if (slot.pending && slot.pending->epoch == epoch) return;
    if (running && running->epoch == epoch) {
      if (!running->address.empty()) tell_ready(*running);
      return;
    }
    const bool known = slot.ended_epoch == epoch;
    return tell_ended(device, epoch, known ? slot.ended_evidence : "Worker ended before");
  }
  state_.newest_epochs[device] = epoch;
  if (!save()) {
    state_.newest_epochs[device] = newest;
    return tell_ended(device, epoch, "refused: this node cannot save its state");
  }
  WorkerOrder next{device,
                   epoch,
                   slot.device.kind,
                   order.secret(),
                   order.memory_bytes(),
                   order.job(),
                   order.rank(),
                   std::max(order.ranks(), 1u),
                   order.group_secret()};
  if (!running) return launch(next, now_ms);
  if (slot.pending) tell_ended(device, slot.pending->epoch, "replaced before it started");
  slot.pending = std::move(next);
  host_->stop(device, "replaced by epoch " + std::to_string(epoch), now_ms);
}

void Agent::launch(const WorkerOrder& order, int64_t now_ms) {
  const auto process = host_->start(order, now_ms);
  if (!process.ok()) {
    log_error("Cannot start a Worker" + on_device(order.device) + ": " +
              process.status().message());
    return tell_ended(order.device, order.epoch, process.status().message());
  }
  log_info("Started Worker " + std::to_string(process->pid) + on_device(order.device) + ", epoch " +
           std::to_string(order.epoch) + " for " + order.job);
  state_.workers[order.device] = {order.device, order.epoch, *process, ""};
  if (!save()) host_->stop(order.device, "this node cannot save its state", now_ms);
}

void Agent::stop(const v1::StopWorker& order, int64_t now_ms) {
  const uint32_t device = order.device();
  const uint64_t epoch = order.epoch();
  const std::string why = order.why().empty() ? "stopped by SDAManager" : order.why();
  const auto running = host_->on_device(device);
  if (running && running->epoch == epoch) return host_->stop(device, why, now_ms);
  const auto at = slots_.find(device);
  if (at != slots_.end()) {
    Slot& slot = at->second;
    if (slot.pending && slot.pending->epoch == epoch) slot.pending.reset();
    // The start that this order overtook must not happen any more.
    uint64_t& newest = state_.newest_epochs[device];
    if (epoch > newest) {
      newest = epoch;
      save();
    }
  }
  tell_ended(device, epoch, why);
}

void Agent::introduce(const v1::Introduce& order, int64_t now_ms) {
  std::vector<identity::Peer> peers;
  for (const v1::Peer& peer : order.peers()) peers.push_back({peer.address(), peer.host_id()});
  for (const RunningProcess& worker : host_->running()) {
    if (worker.epoch != order.epoch()) continue;
    const Status told = host_->introduce(worker.device, peers);
    if (!told.ok()) host_->stop(worker.device, told.message(), now_ms);
  }
}

void Agent::advance(int64_t now_ms) {
  fence(now_ms);
  bool changed = false;
  for (const WorkerEvent& event : host_->advance(now_ms)) {
    changed = true;
    if (event.kind == WorkerEvent::Kind::kReady) {
      state_.workers[event.device].address = event.text;
      if (const auto worker = host_->on_device(event.device)) tell_ready(*worker);
      continue;
    }
    log_info("Worker ended" + on_device(event.device) + ", epoch " + std::to_string(event.epoch) +
             ": " + event.text);
    state_.workers.erase(event.device);
    tell_ended(event.device, event.epoch, event.text);
    if (auto pending = std::exchange(slots_[event.device].pending, std::nullopt)) {
      launch(*pending, now_ms);
    }
  }
  if (changed) save();
  if (attached_ && now_ms >= next_report_ms_) report(now_ms);
}

void Agent::heard(int64_t now_ms) {
  last_heard_ms_ = now_ms;
  fenced_ = false;
  // Saved coarsely; an older time on disk only makes a successor fence earlier.
  if (now_ms - state_.last_heard_ms < options_.self_fence_ms / 20) return;
  state_.last_heard_ms = now_ms;
  save();
}

void Agent::fence(int64_t now_ms) {
  if (idle() || fenced_ || now_ms - last_heard_ms_ <= options_.self_fence_ms) return;
  fenced_ = true;
  end_workers("self-fence: SDAManager was not heard for " +
                  std::to_string(options_.self_fence_ms / 1000) + " s",
              now_ms);
}

void Agent::end_workers(const std::string& why, int64_t now_ms) {
  for (auto& [device, slot] : slots_) {
    if (auto pending = std::exchange(slot.pending, std::nullopt)) {
      tell_ended(device, pending->epoch, why);
    }
  }
  for (const RunningProcess& worker : host_->running()) host_->stop(worker.device, why, now_ms);
}

bool Agent::idle() const { return host_->running().empty(); }

void Agent::report(int64_t now_ms) {
  next_report_ms_ = now_ms + options_.report_ms;
  v1::AgentUp message;
  v1::Report& all = *message.mutable_report();
  for (const auto& [index, slot] : slots_) {
    const auto worker = host_->on_device(index);
    const auto sample = probe_->sample(index, worker ? worker->process.pid : 0, now_ms);
    v1::DeviceState& state = *all.add_devices();
    state.set_index(index);
    state.set_epoch(worker ? worker->epoch : 0);
    if (sample.ok()) {
      fill(*sample, &state);
    } else {
      log_warning("Cannot read the state" + on_device(index) + ": " + sample.status().message());
    }
  }
  send(std::move(message));
}

void Agent::tell_all() {
  for (const auto& [device, slot] : slots_) {
    if (slot.ended_epoch) tell_ended(device, slot.ended_epoch, slot.ended_evidence);
  }
  for (const RunningProcess& worker : host_->running()) {
    if (!worker.address.empty()) tell_ready(worker);
  }
}

void Agent::tell_ready(const RunningProcess& worker) {
  v1::AgentUp message;
  v1::WorkerReady& ready = *message.mutable_worker_ready();
  ready.set_epoch(worker.epoch);
  ready.set_device(worker.device);
  ready.set_address(worker.address);
  ready.set_pid(worker.process.pid);
  send(std::move(message));
}

void Agent::tell_ended(uint32_t device, uint64_t epoch, const std::string& evidence) {
  const auto at = slots_.find(device);
  if (at != slots_.end() && epoch >= at->second.ended_epoch) {
    at->second.ended_epoch = epoch;
    at->second.ended_evidence = evidence;
  }
  v1::AgentUp message;
  v1::WorkerEnded& ended = *message.mutable_worker_ended();
  ended.set_epoch(epoch);
  ended.set_device(device);
  ended.set_evidence(evidence);
  send(std::move(message));
}

void Agent::send(v1::AgentUp message) {
  if (attached_) outgoing_.push_back(std::move(message));
}

void Agent::detached() {
  attached_ = false;
  outgoing_.clear();
}

std::vector<v1::AgentUp> Agent::take_outgoing() { return std::exchange(outgoing_, {}); }

std::optional<int64_t> Agent::next_deadline_ms() const {
  std::optional<int64_t> next = host_->next_deadline_ms();
  const auto consider = [&next](int64_t at) { next = next ? std::min(*next, at) : at; };
  if (attached_) consider(next_report_ms_);
  if (!idle() && !fenced_) consider(last_heard_ms_ + options_.self_fence_ms + 1);
  return next;
}

bool Agent::save() {
  const Status status = save_state(options_.state_path, state_);
  if (!status.ok()) log_error(status.message());
  return status.ok();
}

}  // namespace moai::agent
