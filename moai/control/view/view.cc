#include "moai/control/view/view.h"

namespace moai::control {

View make_view(const Site& site) {
  View view;
  view.flavor_devices_max = site.options.flavor_devices_max;
  std::set<DeviceKey> occupied;
  for (const auto& [id, lease] : site.ledger.leases()) {
    if (is_waiting(lease.state)) continue;
    for (const LeaseWorker& worker : lease.workers) {
      if (worker.ended) continue;
      occupied.insert({worker.agent_id, worker.device});
      ++view.tenants[lease.token_id].devices_used;
    }
    const View::Holder holder{lease.id, lease.process.pid, lease.process.command};
    if (is_held(lease.state))
      view.holders[lease.accelerator_id] = holder;
    else if (lease.state != LeaseState::kFailed)
      view.leaving[lease.accelerator_id] = holder;
  }
  for (const auto& [agent_id, agent] : site.ledger.agents()) {
    if (!site.connected(agent_id)) continue;
    std::set<uint32_t> stray;
    for (const auto& [device, epoch] : site.agents.at(agent_id).strays) stray.insert(device);
    for (const DeviceRow& device : agent.devices) {
      const DeviceKey key{agent_id, device.index};
      view.devices.push_back({key, !occupied.contains(key) && !stray.contains(device.index)});
    }
  }
  for (const Ledger::QueueKey& key : site.ledger.queue()) {
    const LeaseRow& lease = *site.ledger.lease(key.lease_id);
    view.queue.push_back({lease.id, lease.token_id, lease.accelerator_id, lease.devices});
  }
  for (const auto& [id, token] : site.ledger.tokens())
    if (token.devices_max != 0) view.tenants[id].devices_max = token.devices_max;
  return view;
}

}  // namespace moai::control
