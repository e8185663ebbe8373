#include "moai/control/services/describe.h"

#include <algorithm>

namespace moai::control {
namespace {

std::string token_text(const Site& site, uint64_t token_id) {
  const TokenRow* token = site.ledger.token(token_id);
  return token ? token->description : "";
}

const v1::DeviceState* state_of(const Site& site, const LeaseWorker& worker) {
  const auto agent = site.agents.find(worker.agent_id);
  if (agent == site.agents.end()) return nullptr;
  const auto state = agent->second.states.find(worker.device);
  return state == agent->second.states.end() ? nullptr : &state->second;
}

void add_device(const Site& site, const LeaseWorker& worker, v1::PhysicalDevice* out) {
  out->set_index(worker.device);
  if (const AgentRow* agent = site.ledger.agent(worker.agent_id)) {
    out->set_host(agent->name);
    for (const DeviceRow& device : agent->devices)
      if (device.index == worker.device) {
        out->set_memory_bytes(device.memory_bytes);
        out->set_model(device.model);
      }
  }
  if (const v1::DeviceState* state = state_of(site, worker)) *out->mutable_state() = *state;
}

uint64_t memory_used(const Site& site, const LeaseRow& lease) {
  uint64_t bytes = 0;
  for (const LeaseWorker& worker : lease.workers)
    if (const v1::DeviceState* state = state_of(site, worker);
        state && state->epoch() == lease.epoch)
      bytes += state->memory_used_bytes();
  return bytes;
}

double utilization(const Site& site, const LeaseRow& lease) {
  double sum = 0;
  for (const LeaseWorker& worker : lease.workers)
    if (const v1::DeviceState* state = state_of(site, worker);
        state && state->epoch() == lease.epoch)
      sum += state->utilization();
  return lease.workers.empty() ? 0 : sum / static_cast<double>(lease.workers.size());
}

std::string waiting_reason(const Site& site, const LeaseRow& lease) {
  if (!is_waiting(lease.state)) return lease.cause;
  const auto session = site.sessions.find(lease.session_id);
  return session == site.sessions.end() ? "" : session->second.waiting_text;
}

void add_process(const Site& site, const LeaseRow& lease, v1::Process* out) {
  out->set_job_id(lease.job_id);
  out->set_pid(lease.process.pid);
  out->set_command(lease.process.command);
  out->set_memory_used_bytes(memory_used(site, lease));
  out->set_state(std::string(lease_state_name(lease.state)));
  out->set_hostname(lease.process.hostname);
  out->set_reason(waiting_reason(site, lease));
}

}  // namespace

v1::Flavor describe(const Site& site, const FlavorRow& row) {
  v1::Flavor out;
  out.set_id(static_cast<uint32_t>(row.id));
  out.set_name(row.name);
  out.set_devices(row.devices);
  out.set_memory_bytes(site.device_memory(row) * row.devices);
  return out;
}

v1::Accelerator describe(const Site& site, const AcceleratorRow& row) {
  v1::Accelerator out;
  out.set_number(row.number);
  out.set_name(site.options.device_name);
  if (const FlavorRow* flavor = site.ledger.flavor(row.flavor_id))
    *out.mutable_flavor() = describe(site, *flavor);
  const TokenRow* token = site.ledger.token(row.token_id);
  out.set_is_default(token && token->default_accelerator == row.number);
  out.set_token(token_text(site, row.token_id));
  for (const auto& [id, lease] : site.ledger.leases()) {
    if (lease.accelerator_id != row.id) continue;
    add_process(site, lease, out.add_processes());
    if (!is_held(lease.state)) continue;
    out.set_memory_used_bytes(memory_used(site, lease));
    out.set_utilization(utilization(site, lease));
    for (const LeaseWorker& worker : lease.workers) add_device(site, worker, out.add_devices());
  }
  return out;
}

v1::Job describe(const Site& site, const LeaseRow& row) {
  v1::Job out;
  out.set_id(row.job_id);
  out.set_token(token_text(site, row.token_id));
  out.set_accelerator(row.accelerator);
  out.set_state(std::string(lease_state_name(row.state)));
  out.set_reason(waiting_reason(site, row));
  out.set_priority(row.priority);
  out.set_pid(row.process.pid);
  out.set_command(row.process.command);
  out.set_hostname(row.process.hostname);
  out.set_flavor(row.flavor);
  out.set_requested_ns(row.requested_ns);
  out.set_granted_ns(row.granted_ns);
  out.set_ended_ns(row.ended_ns);
  out.set_client(row.process.client);
  for (const LeaseWorker& worker : row.workers) add_device(site, worker, out.add_devices());
  return out;
}

v1::Agent describe(const Site& site, const AgentRow& row) {
  v1::Agent out;
  out.set_id(row.id);
  out.set_name(row.name);
  out.set_host(row.host);
  out.set_version(row.version);
  out.set_pid(row.pid);
  for (const DeviceRow& device : row.devices) {
    v1::Device* d = out.add_devices();
    d->set_index(device.index);
    d->set_kind(device.kind);
    d->set_model(device.model);
    d->set_memory_bytes(device.memory_bytes);
    d->set_simulated(device.simulated);
  }
  if (const auto live = site.agents.find(row.id); live != site.agents.end()) {
    out.set_connected(live->second.connection != nullptr);
    out.set_last_seen_ns(live->second.last_seen_ns);
    for (const auto& [index, state] : live->second.states) *out.add_states() = state;
  }
  for (const auto& [id, lease] : site.ledger.leases())
    for (size_t rank = 0; rank < lease.workers.size(); ++rank) {
      const LeaseWorker& worker = lease.workers[rank];
      if (worker.agent_id != row.id || worker.ended) continue;
      v1::RunningWorker* running = out.add_workers();
      running->set_device(worker.device);
      running->set_epoch(lease.epoch);
      running->set_pid(worker.pid);
      running->set_address(worker.address);
      running->set_job_id(lease.job_id);
      running->set_rank(static_cast<uint32_t>(rank));
      running->set_ranks(static_cast<uint32_t>(lease.workers.size()));
    }
  return out;
}

v1::Token describe(const Site& site, const TokenRow& row) {
  v1::Token out;
  out.set_id(row.id);
  out.set_description(row.description);
  out.set_priority(row.priority);
  out.set_access(row.admin ? "ADMIN" : "USER");
  out.set_accelerators(static_cast<uint32_t>(
      std::count_if(site.ledger.accelerators().begin(), site.ledger.accelerators().end(),
                    [&](const auto& entry) { return entry.second.token_id == row.id; })));
  out.set_accelerators_max(row.accelerators_max);
  out.set_revoked(row.revoked);
  out.set_created_ns(row.created_ns);
  out.set_devices_max(row.devices_max);
  return out;
}

v1::Event describe(const EventRow& row) {
  v1::Event out;
  out.set_id(row.id);
  out.set_time_ns(row.time_ns);
  out.set_kind(row.kind);
  out.set_subject(row.subject);
  out.set_actor(row.actor);
  out.set_cause(row.cause);
  return out;
}

}  // namespace moai::control
