// Runs an Agent: one thread polls the master's stream, the Workers and the signals that end it.
#pragma once

#include <functional>
#include <memory>

#include "moai/agent/agent.h"
#include "moai/agent/spawn/compile_service.h"
#include "moai/rpc/client/stream.h"

namespace moai::agent {

struct AgentLoopOptions {
  // Opens a stream to the master; called again after each loss.
  std::function<Result<std::unique_ptr<rpc::AgentStream>>()> connect;
  CompileService* compiling = nullptr;  // outlives the loop; null: nothing is compiled
  Fd stop;                              // readable: end orderly, Workers too
  // Local platform: end orderly some seconds after this master ended, unless another one took over
  // or a Worker runs. 0: never.
  int64_t exit_with_master_pid = 0;
  int64_t exit_grace_ms = 3'000;
  int64_t retry_ms_min = 100;
  int64_t retry_ms_max = 5'000;
  int64_t register_ms_max = 10'000;  // from opening a stream to Registered
};

// Returns when the agent was told to end, or has nobody to serve any more.
void run_agent(Agent* agent, WorkerHost* host, AgentLoopOptions options);

}  // namespace moai::agent
