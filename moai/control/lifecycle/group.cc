#include "moai/control/lifecycle/group.h"

#include <set>

#include "moai/identity/token.h"

namespace moai::control {
namespace {

constexpr size_t kNamesMax = 3;

const std::string* host_id_of(const Site& site, uint64_t agent_id) {
  const auto agent = site.agents.find(agent_id);
  if (agent == site.agents.end() || !agent->second.connection) return nullptr;
  return &agent->second.host_id;
}

}  // namespace

std::string worker_name(const Site& site, const LeaseRow& lease, size_t rank) {
  const LeaseWorker& worker = lease.workers.at(rank);
  const AgentRow* agent = site.ledger.agent(worker.agent_id);
  const std::string device =
      "device " + std::to_string(worker.device) + " of node " + (agent ? agent->name : "?");
  if (lease.workers.size() == 1) return device;
  return "rank " + std::to_string(rank) + " of " + std::to_string(lease.workers.size()) + " (" +
         device + ")";
}

std::string worker_names(const Site& site, const LeaseRow& lease,
                         bool (*is_one_of)(const LeaseWorker&)) {
  std::string text;
  size_t count = 0;
  for (size_t rank = 0; rank < lease.workers.size(); ++rank) {
    if (!is_one_of(lease.workers[rank]) || ++count > kNamesMax) continue;
    text += (text.empty() ? "" : ", ") + worker_name(site, lease, rank);
  }
  if (count > kNamesMax) text += " and " + std::to_string(count - kNamesMax) + " more";
  return text;
}

std::string group_secret(const LeaseRow& lease) {
  if (lease.workers.size() < 2) return {};
  return identity::derive_secret(lease.workers.front().secret, "moai group");
}

void introduce_workers(Site& site, const LeaseRow& lease) {
  if (lease.state != LeaseState::kActive || lease.workers.size() < 2) return;
  v1::AgentDown down;
  v1::Introduce* introduce = down.mutable_introduce();
  introduce->set_epoch(lease.epoch);
  std::set<uint64_t> agents;
  for (const LeaseWorker& worker : lease.workers) {
    const std::string* host_id = host_id_of(site, worker.agent_id);
    if (!host_id) return;  // when it registers
    v1::Peer* peer = introduce->add_peers();
    peer->set_address(worker.address);
    peer->set_host_id(*host_id);
    agents.insert(worker.agent_id);
  }
  for (const uint64_t agent_id : agents) site.order(agent_id, down);
}

void introduce_workers_of(Site& site, uint64_t agent_id) {
  for (const auto& [id, lease] : site.ledger.leases()) {
    for (const LeaseWorker& worker : lease.workers) {
      if (worker.agent_id != agent_id) continue;
      introduce_workers(site, lease);
      break;
    }
  }
}

}  // namespace moai::control
