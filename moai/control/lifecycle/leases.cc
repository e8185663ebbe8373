#include "moai/control/lifecycle/leases.h"

#include <algorithm>
#include <cstdlib>

#include "moai/base/log.h"
#include "moai/control/lifecycle/accelerators.h"
#include "moai/control/lifecycle/group.h"
#include "moai/identity/token.h"

namespace moai::control {
namespace {

constexpr int64_t kEvidenceMs = 500;  // for an agent to say what became of a Worker out of reach

// Takes the edge to `to`; one that the table lacks is a bug of ours.
void move(Site& site, LeaseRow& lease, LeaseState to, const std::string& actor,
          const std::string& cause, bool urgent) {
  if (!may_follow(lease.state, to)) {
    log_error("[control.lease] " + std::string(lease_state_name(lease.state)) + " → " +
              std::string(lease_state_name(to)) + " is no edge of a lease's life; our bug");
    std::abort();
  }
  lease.state = to;
  if (to == LeaseState::kReleased) lease.released_ns = site.now_ns;
  site.ledger.add_event(site.now_ns, "lease." + std::string(lease_state_name(to)),
                        lease_name(lease), actor, cause);
  site.ledger.put(lease, urgent);
}

void release_if_empty(Site& site, LeaseRow& lease, const std::string& cause) {
  const bool empty = std::all_of(lease.workers.begin(), lease.workers.end(),
                                 [](const LeaseWorker& w) { return w.ended; });
  if (!empty) return;
  site.starting_since_ns.erase(lease.id);
  site.recovered.erase(lease.id);
  site.lost_links.erase(lease.id);
  move(site, lease, LeaseState::kReleased, "scheduler", cause, true);
  drop_if_unneeded(site, lease.accelerator_id);
  site.schedule_wanted = true;
}

void tell_ended(Site& site, const LeaseRow& lease, const Ending& ending) {
  if (const auto it = site.sessions.find(lease.session_id); it != site.sessions.end()) {
    it->second.waiting_text.clear();
  }
  if (ending.text.empty()) return;
  v1::SessionDown down;
  down.mutable_ended()->set_code(static_cast<int32_t>(ending.code));
  down.mutable_ended()->set_text(ending.text);
  down.mutable_ended()->set_cause(ending.cause);
  const auto live = site.sessions.find(lease.session_id);
  if (live == site.sessions.end() || !live->second.connection)
    site.missed_endings[lease.session_id] = std::move(down);
  else
    site.tell(lease.session_id, std::move(down));
}

// Of the Worker that has ended before its lease, or could not start.
Ending failure_of(const Site& site, const LeaseRow& lease, size_t rank,
                  const std::string& evidence) {
  const bool started = lease.state == LeaseState::kActive;
  const std::string which = lease.workers.size() > 1 ? ", " + worker_name(site, lease, rank) : "";
  const std::string what =
      started ? "The worker of " + site.options.device_name + which +
                    (which.empty() ? " has" : ", has") + " ended unexpectedly"
              : "Failed to initialize the worker daemon for " + site.options.device_name + which;
  const AgentRow* agent = site.ledger.agent(lease.workers[rank].agent_id);
  return {LeaseState::kFailed, started ? "worker_ended" : "worker_failed",
          what + (evidence.empty() ? "." : ": " + evidence), "agent/" + (agent ? agent->name : ""),
          started ? Code::kUnavailable : Code::kInternal};
}

size_t rank_on(const LeaseRow& lease, DeviceKey device) {
  const auto at = std::find_if(lease.workers.begin(), lease.workers.end(), [&](const auto& w) {
    return w.agent_id == device.agent_id && w.device == device.index;
  });
  return static_cast<size_t>(at - lease.workers.begin());
}

std::string device_list(Site& site, const std::vector<DeviceKey>& devices) {
  std::string text;
  for (const DeviceKey& device : devices) {
    const AgentRow* agent = site.ledger.agent(device.agent_id);
    text += (text.empty() ? "" : " ") + (agent ? agent->name : "?") + ":" +
            std::to_string(device.index);
  }
  return text;
}

}  // namespace

uint64_t request_lease(Site& site, const SessionRow& session) {
  const AcceleratorRow* accelerator = site.ledger.accelerator(session.accelerator_id);
  const TokenRow* token = site.ledger.token(session.token_id);
  LeaseRow lease;
  lease.id = site.ledger.next(Counter::kLease);
  lease.job_id = session.job_id;
  lease.session_id = session.id;
  lease.token_id = session.token_id;
  lease.accelerator_id = session.accelerator_id;
  lease.accelerator = accelerator ? accelerator->number : 0;
  lease.flavor_id = session.flavor_id        ? session.flavor_id
                    : accelerator != nullptr ? accelerator->flavor_id
                                             : 0;
  if (const FlavorRow* flavor = site.ledger.flavor(lease.flavor_id)) {
    lease.flavor = flavor->name;
    lease.devices = flavor->devices;
  }
  lease.priority = token ? token->priority : 0;
  lease.requested_ns = site.now_ns;
  lease.process = session.process;
  site.ledger.add_event(site.now_ns, "lease.requested", lease_name(lease),
                        "session/" + std::to_string(session.id), session.process.command);
  site.ledger.put(lease);
  site.schedule_wanted = true;
  return lease.id;
}

void let_wait(Site& site, uint64_t lease_id, const std::string& cause, const std::string& text) {
  const LeaseRow* found = site.ledger.lease(lease_id);
  if (!found) return;
  if (found->state == LeaseState::kRequested) {
    LeaseRow lease = *found;
    move(site, lease, LeaseState::kQueued, "scheduler", cause, true);
  }
  const auto it = site.sessions.find(site.ledger.lease(lease_id)->session_id);
  if (it == site.sessions.end() || it->second.waiting_text == text) return;
  it->second.waiting_text = text;
  v1::SessionDown down;
  down.mutable_waiting()->set_text(text);
  down.mutable_waiting()->set_cause(cause);
  site.tell(it->first, std::move(down));
}

void grant_lease(Site& site, uint64_t lease_id, const std::vector<DeviceKey>& devices) {
  LeaseRow lease = *site.ledger.lease(lease_id);
  lease.epoch = site.ledger.next(Counter::kEpoch);
  lease.granted_ns = site.now_ns;
  for (const DeviceKey& device : devices) {
    LeaseWorker worker;
    worker.agent_id = device.agent_id;
    worker.device = device.index;
    worker.secret = identity::make_secret();
    lease.workers.push_back(std::move(worker));
  }
  move(site, lease, LeaseState::kGranted, "scheduler",
       "epoch " + std::to_string(lease.epoch) + " on " + device_list(site, devices), true);
  move(site, lease, LeaseState::kStarting, "scheduler", "", true);
  site.starting_since_ns[lease.id] = site.steady_ns;
  for (const LeaseWorker& worker : lease.workers) repeat_start(site, lease, worker);
}

void repeat_start(Site& site, const LeaseRow& lease, const LeaseWorker& worker) {
  v1::AgentDown down;
  v1::StartWorker* start = down.mutable_start_worker();
  start->set_epoch(lease.epoch);
  start->set_device(worker.device);
  start->set_secret(worker.secret);
  if (const FlavorRow* flavor = site.ledger.flavor(lease.flavor_id))
    start->set_memory_bytes(site.device_memory(*flavor));
  start->set_job(std::to_string(lease.job_id));
  start->set_rank(static_cast<uint32_t>(rank_on(lease, {worker.agent_id, worker.device})));
  start->set_ranks(static_cast<uint32_t>(lease.workers.size()));
  start->set_group_secret(group_secret(lease));
  site.order(worker.agent_id, std::move(down));
}

void order_stop(Site& site, DeviceKey device, uint64_t epoch, const std::string& why) {
  v1::AgentDown down;
  v1::StopWorker* stop = down.mutable_stop_worker();
  stop->set_epoch(epoch);
  stop->set_device(device.index);
  stop->set_why(why);
  site.order(device.agent_id, std::move(down));
}

void end_lease(Site& site, uint64_t lease_id, const Ending& ending) {
  const LeaseRow* found = site.ledger.lease(lease_id);
  if (!found || is_ending(found->state)) return;
  LeaseRow lease = *found;
  lease.ended_ns = site.now_ns;
  lease.cause = ending.cause;
  site.schedule_wanted = true;
  tell_ended(site, lease, ending);
  if (is_waiting(lease.state)) {
    if (ending.state != LeaseState::kReleasing)
      move(site, lease, ending.state, ending.actor, ending.cause, true);
    release_if_empty(site, lease, ending.cause);
    return;
  }
  const bool told = !ending.text.empty();
  move(site, lease, ending.state, ending.actor, ending.cause, told);
  for (const LeaseWorker& worker : lease.workers)
    if (!worker.ended)
      order_stop(site, {worker.agent_id, worker.device}, lease.epoch, ending.cause);
  release_if_empty(site, lease, ending.cause);
}

void worker_ready(Site& site, DeviceKey device, uint64_t epoch, const std::string& address,
                  int64_t pid) {
  const LeaseRow* found = site.ledger.lease_by_epoch(epoch);
  if (!found || !is_held(found->state)) {
    if (!found) site.agents[device.agent_id].strays.insert({device.index, epoch});
    order_stop(site, device, epoch, "its lease is over");
    return;
  }
  LeaseRow lease = *found;
  bool all = true;
  for (LeaseWorker& worker : lease.workers) {
    if (worker.agent_id == device.agent_id && worker.device == device.index) {
      worker.address = address;
      worker.pid = pid;
    }
    all = all && !worker.address.empty();
  }
  site.recovered.erase(lease.id);
  if (lease.state == LeaseState::kActive || !all) {
    site.ledger.put(lease, false);
    return;
  }
  site.starting_since_ns.erase(lease.id);
  if (lease.state == LeaseState::kGranted)
    move(site, lease, LeaseState::kStarting, "scheduler", "", false);
  const AgentRow* agent = site.ledger.agent(device.agent_id);
  move(site, lease, LeaseState::kActive, "agent/" + (agent ? agent->name : ""), "", false);
  tell_granted(site, lease);
  introduce_workers(site, lease);
}

void tell_granted(Site& site, const LeaseRow& lease) {
  if (const auto it = site.sessions.find(lease.session_id); it != site.sessions.end()) {
    it->second.waiting_text.clear();
  }
  v1::SessionDown down;
  v1::Granted* granted = down.mutable_granted();
  granted->set_job_id(lease.job_id);
  granted->set_epoch(lease.epoch);
  granted->set_flavor(lease.flavor);
  if (const FlavorRow* flavor = site.ledger.flavor(lease.flavor_id))
    granted->set_memory_bytes(site.device_memory(*flavor));
  for (const LeaseWorker& worker : lease.workers) {
    v1::WorkerAddress* address = granted->add_workers();
    address->set_address(worker.address);
    address->set_secret(worker.secret);
    address->set_device(worker.device);
    if (const AgentRow* agent = site.ledger.agent(worker.agent_id)) {
      address->set_host(agent->host);
      address->set_node(agent->name);
    }
    if (const auto live = site.agents.find(worker.agent_id); live != site.agents.end())
      address->set_host_id(live->second.host_id);
  }
  site.tell(lease.session_id, std::move(down));
}

void worker_gone(Site& site, DeviceKey device, uint64_t epoch, const std::string& evidence) {
  site.agents[device.agent_id].strays.erase({device.index, epoch});
  site.schedule_wanted = true;
  const LeaseRow* found = site.ledger.lease_by_epoch(epoch);
  if (!found) return;
  LeaseRow lease = *found;
  const size_t rank = rank_on(lease, device);
  if (rank == lease.workers.size() || lease.workers[rank].ended) return;
  lease.workers[rank].ended = true;
  site.ledger.put(lease, false);
  if (is_ending(lease.state)) {
    release_if_empty(site, lease, evidence);
    return;
  }
  const Ending failure = failure_of(site, lease, rank, evidence);
  site.ledger.add_event(site.now_ns, "worker.ended", lease_name(lease), failure.actor,
                        worker_name(site, lease, rank) + ": " + evidence);
  end_lease(site, lease.id, failure);
}

void link_lost(Site& site, uint64_t lease_id, const std::string& address, const std::string& text) {
  const LeaseRow* lease = site.ledger.lease(lease_id);
  if (lease && is_held(lease->state))
    site.lost_links.insert({lease_id, {site.steady_ns, address, text}});
}

void end_lost_links(Site& site) {
  std::vector<std::pair<uint64_t, LostLink>> over;
  for (const auto& [id, lost] : site.lost_links)
    if (site.steady_ns - lost.since_ns >= kEvidenceMs * kNsPerMs) over.emplace_back(id, lost);
  for (const auto& [id, lost] : over) {
    site.lost_links.erase(id);
    const LeaseRow* lease = site.ledger.lease(id);
    if (!lease || !is_held(lease->state)) continue;
    std::string which = lost.address;
    for (size_t rank = 0; rank < lease->workers.size() && lease->workers.size() > 1; ++rank)
      if (lease->workers[rank].address == lost.address)
        which += ", " + worker_name(site, *lease, rank) + ",";
    end_lease(site, id,
              {LeaseState::kFailed, "link_lost",
               "The connection to the worker at " + which + " is lost: " + lost.text,
               "session/" + std::to_string(lease->session_id), Code::kUnavailable});
  }
}

void expire_starting(Site& site) {
  std::vector<uint64_t> late;
  for (const auto& [id, since] : site.starting_since_ns)
    if (site.steady_ns - since > site.options.worker_start_ms * kNsPerMs) late.push_back(id);
  for (const uint64_t id : late) {
    site.starting_since_ns.erase(id);
    const LeaseRow* lease = site.ledger.lease(id);
    if (!lease) continue;
    const auto is_late = [](const LeaseWorker& w) { return w.address.empty() && !w.ended; };
    const std::string which =
        lease->workers.size() > 1 ? ", " + worker_names(site, *lease, is_late) : "";
    end_lease(site, id,
              {LeaseState::kFailed, "start_timeout",
               "Failed to initialize the worker daemon for " + site.options.device_name + which +
                   ": it was not ready within " +
                   std::to_string(site.options.worker_start_ms / 1000) + " s.",
               "scheduler", Code::kDeadlineExceeded});
  }
}

}  // namespace moai::control
