#include "moai/control/services/agents.h"

#include "moai/base/log.h"
#include "moai/control/lifecycle/group.h"
#include "moai/control/lifecycle/leases.h"

namespace moai::control {
namespace {

using Connection = std::shared_ptr<AgentConnection>;

constexpr int64_t kSelfFenceDefaultMs = 600000;
// An agent's clock may run this much slower than ours, and it looks at it every second.
constexpr double kClockDrift = 1.05;
constexpr int64_t kSelfFenceMarginMs = 2000;

Status check_identity(const Site& site, const Connection& connection, const std::string& name) {
  if (!site.options.agents_need_certificate) return ok_status();
  const auto& peer = connection->caller.peer;
  if (!peer) return unauthenticated("An agent must show its client certificate.");
  if (peer->role != "agent")
    return permission_denied("The certificate of \"" + peer->name + "\" is not an agent's.");
  if (peer->name != name && peer->name != "*")
    return permission_denied("The certificate of agent \"" + peer->name +
                             "\" cannot register agent \"" + name + "\".");
  return ok_status();
}

AgentRow row_of(Site& site, const v1::Register& message) {
  AgentRow row;
  for (const auto& [id, known] : site.ledger.agents())
    if (known.name == message.name()) row.id = id;
  if (row.id == 0) row.id = site.ledger.next(Counter::kAgent);
  row.name = message.name();
  row.host = message.host();
  row.version = message.version();
  row.pid = message.pid();
  row.self_fence_ms = message.self_fence_ms() > 0 ? message.self_fence_ms() : kSelfFenceDefaultMs;
  for (const v1::Device& device : message.devices())
    row.devices.push_back(
        {device.index(), device.kind(), device.model(), device.memory_bytes(), device.simulated()});
  return row;
}

// A lease's Worker on a device of an agent that has just said which Workers it has.
struct Expected {
  uint64_t lease_id;
  uint32_t device;
  uint64_t epoch;
};

std::vector<Expected> expected_on(const Site& site, uint64_t agent_id) {
  std::vector<Expected> expected;
  for (const auto& [id, lease] : site.ledger.leases())
    for (const LeaseWorker& worker : lease.workers)
      if (worker.agent_id == agent_id && !worker.ended)
        expected.push_back({id, worker.device, lease.epoch});
  return expected;
}

void reconcile_missing(Site& site, uint64_t agent_id, const Expected& e) {
  const LeaseRow* lease = site.ledger.lease(e.lease_id);
  if (!lease) return;
  const bool order_lost =
      lease->state == LeaseState::kStarting && !site.recovered.contains(lease->id);
  if (order_lost) {
    for (const LeaseWorker& worker : lease->workers)
      if (worker.agent_id == agent_id && worker.device == e.device && worker.address.empty()) {
        repeat_start(site, *lease, worker);
        return;
      }
  }
  worker_gone(site, {agent_id, e.device}, e.epoch, "its agent came back without it");
}

void reconcile(Site& site, uint64_t agent_id, const v1::Register& message) {
  std::set<std::pair<uint32_t, uint64_t>> running;
  for (const v1::RunningWorker& worker : message.workers())
    running.insert({worker.device(), worker.epoch()});
  site.agents[agent_id].strays.clear();
  for (const Expected& e : expected_on(site, agent_id))
    if (!running.contains({e.device, e.epoch})) reconcile_missing(site, agent_id, e);
  for (const v1::RunningWorker& worker : message.workers())
    worker_ready(site, {agent_id, worker.device()}, worker.epoch(), worker.address(), worker.pid());
}

Status registered(Site& site, const Connection& connection, const v1::Register& message) {
  if (message.name().empty()) return invalid_argument("An agent must have a name.");
  MOAI_RETURN_IF_ERROR(check_identity(site, connection, message.name()));
  const AgentRow row = row_of(site, message);
  const AgentRow* known = site.ledger.agent(row.id);
  if (!known || !(*known == row)) site.ledger.put(row);
  site.ledger.add_event(site.now_ns, "agent.registered", "agent/" + row.name, "agent/" + row.name,
                        std::to_string(row.devices.size()) + " devices, " +
                            std::to_string(message.workers_size()) + " workers");
  LiveAgent& live = site.agents[row.id];
  if (live.connection && live.connection != connection)
    site.refuse(live.connection, aborted("Another agent registered as \"" + row.name + "\"."));
  connection->agent_id = row.id;
  live.connection = connection;
  live.host_id = message.host_id();
  live.heard_ns = site.steady_ns;
  live.last_seen_ns = site.now_ns;
  v1::AgentDown down;
  down.mutable_registered()->set_agent_id(row.id);
  down.mutable_registered()->set_report_ms(site.options.report_ms);
  site.order(row.id, std::move(down));
  reconcile(site, row.id, message);
  introduce_workers_of(site, row.id);
  site.schedule_wanted = true;
  log_info("agent " + row.name + " registered with " + std::to_string(row.devices.size()) +
           " devices");
  return ok_status();
}

void disconnect(Site& site, uint64_t agent_id, const std::string& cause) {
  LiveAgent& live = site.agents[agent_id];
  live.connection = nullptr;
  site.schedule_wanted = true;
  const AgentRow* row = site.ledger.agent(agent_id);
  if (!row) return;
  site.ledger.add_event(site.now_ns, "agent.disconnected", "agent/" + row->name, "scheduler",
                        cause);
  log_warning("agent " + row->name + " is disconnected: " + cause);
}

// The agent has surely ended its Workers by itself.
void fence(Site& site, const AgentRow& row) {
  for (const Expected& e : expected_on(site, row.id))
    worker_gone(site, {row.id, e.device}, e.epoch,
                "its node " + row.name + " was silent beyond its self-fence time");
  site.agents[row.id].strays.clear();
}

}  // namespace

void agent_received(Site& site, const Connection& connection, const v1::AgentUp& up) {
  if (connection->agent_id == 0) {
    const Status status =
        up.has_register_() ? registered(site, connection, up.register_())
                           : failed_precondition("The first message of an agent must be Register.");
    if (!status.ok()) site.refuse(connection, status);
    return;
  }
  const uint64_t id = connection->agent_id;
  LiveAgent& live = site.agents[id];
  if (live.connection != connection) return;  // replaced
  live.heard_ns = site.steady_ns;
  live.last_seen_ns = site.now_ns;
  if (up.has_report())
    for (const v1::DeviceState& state : up.report().devices()) live.states[state.index()] = state;
  if (up.has_worker_ready())
    worker_ready(site, {id, up.worker_ready().device()}, up.worker_ready().epoch(),
                 up.worker_ready().address(), up.worker_ready().pid());
  if (up.has_worker_ended())
    worker_gone(site, {id, up.worker_ended().device()}, up.worker_ended().epoch(),
                up.worker_ended().evidence());
}

void agent_closed(Site& site, const Connection& connection) {
  const auto it = site.agents.find(connection->agent_id);
  if (it == site.agents.end() || it->second.connection != connection) return;
  disconnect(site, connection->agent_id, "its stream ended");
}

void tick_agents(Site& site) {
  v1::AgentDown beat;
  beat.mutable_heartbeat();
  for (const auto& [id, row] : site.ledger.agents()) {
    LiveAgent& live = site.agents[id];
    const int64_t heard = std::max(live.heard_ns, site.started_steady_ns);
    const int64_t silent_ms = (site.steady_ns - heard) / kNsPerMs;
    if (live.connection && silent_ms > site.options.silence_ms) {
      site.refuse(live.connection, deadline_exceeded("The server heard nothing of this agent."));
      disconnect(site, id, "it was silent");
    }
    if (live.connection) {
      site.beat(live.connection, beat);
    } else if (static_cast<double>(silent_ms) >
               static_cast<double>(row.self_fence_ms) * kClockDrift + kSelfFenceMarginMs) {
      fence(site, row);
    }
  }
}

}  // namespace moai::control
