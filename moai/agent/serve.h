// Puts an agent together from its settings and runs it.
#pragma once

#include <string>

#include "moai/agent/agent.h"
#include "moai/agent/agent_loop.h"
#include "moai/agent/probe/simulated.h"
#include "moai/agent/spawn/process_host.h"
#include "moai/base/fd.h"
#include "moai/base/status.h"
#include "moai/rpc/client/channel.h"

namespace moai::agent {

struct ServeOptions {
  std::string version;
  std::string name, host;           // as AgentOptions
  rpc::ChannelOptions channel;      // of SDAManager; its certificates are paths here
  std::string probe = "simulated";  // "cpu" or "nvidia"
  SimulatedOptions simulated;
  ProcessHostOptions workers;  // directory, host and cpus are filled in
  std::string cpu_sets;        // see parse_cpu_sets()
  std::string state;           // directory of what must survive a restart
  int64_t self_fence_s = 600;
  int64_t exit_with_master_pid = 0;
};

// Returns when `stop` became readable, or with the error that keeps the agent from serving.
Status serve(ServeOptions options, Fd stop);

}  // namespace moai::agent
