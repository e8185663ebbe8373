// What an agent must still know after it was killed: the newest epoch of each device, the Workers
// that run, when the master was last heard.
//
// A text file, replaced as a whole and synced, so that a crash leaves the old or the new one.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "moai/agent/spawn/worker_host.h"
#include "moai/base/status.h"

namespace moai::agent {

struct AgentState {
  std::map<uint32_t, uint64_t> newest_epochs;  // by device
  std::map<uint32_t, RunningProcess> workers;  // by device
  int64_t last_heard_ms = 0;                   // CLOCK_BOOTTIME; 0: never
  std::string boot_id;                         // of the boot that last_heard_ms and pids belong to
};

// A missing file is an empty state; a damaged one is DATA_LOSS.
Result<AgentState> load_state(const std::string& path);
Status save_state(const std::string& path, const AgentState& state);

}  // namespace moai::agent
