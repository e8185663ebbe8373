#include "moai/control/site.h"

#include <algorithm>

namespace moai::control {

void Site::tell(uint64_t session_id, v1::SessionDown message) {
  const auto it = sessions.find(session_id);
  if (it == sessions.end() || !it->second.connection) return;  // said again when it resumes
  outbox.push_back([sender = it->second.connection->sender, m = std::move(message)]() mutable {
    sender->send(std::move(m));
  });
}

void Site::order(uint64_t agent_id, v1::AgentDown message) {
  const auto it = agents.find(agent_id);
  if (it == agents.end() || !it->second.connection) return;  // said again when it registers
  outbox.push_back([sender = it->second.connection->sender, m = std::move(message)]() mutable {
    sender->send(std::move(m));
  });
}

void Site::finish(const std::shared_ptr<SessionConnection>& connection, Status status) {
  outbox.push_back([sender = connection->sender, s = std::move(status)] { sender->finish(s); });
}

uint64_t Site::device_memory(const FlavorRow& flavor) const {
  uint64_t smallest = options.device_memory ? options.device_memory : flavor.memory_bytes;
  for (const auto& [id, agent] : ledger.agents())
    for (const DeviceRow& device : agent.devices)
      if (device.memory_bytes != 0 && connected(id))
        smallest = std::min(smallest, device.memory_bytes);
  return smallest;
}

uint32_t Site::connected_devices() const {
  size_t count = 0;
  for (const auto& [id, agent] : ledger.agents())
    if (connected(id)) count += agent.devices.size();
  return static_cast<uint32_t>(count);
}

bool Site::connected(uint64_t agent_id) const {
  const auto it = agents.find(agent_id);
  return it != agents.end() && it->second.connection != nullptr;
}

std::string lease_name(const LeaseRow& lease) { return "job/" + std::to_string(lease.job_id); }

}  // namespace moai::control
