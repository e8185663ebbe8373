// Agents.Attend: what an agent says, and what becomes of the devices of one that is silent.
#pragma once

#include <memory>

#include "moai/control/site.h"

namespace moai::control {

void agent_received(Site& site, const std::shared_ptr<AgentConnection>& connection,
                    const v1::AgentUp& up);
void agent_closed(Site& site, const std::shared_ptr<AgentConnection>& connection);
// Heartbeats; agents that are silent are disconnected; Workers of one that is silent beyond its
// self-fence time are taken as ended.
void tick_agents(Site& site);

}  // namespace moai::control
