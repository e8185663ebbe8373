// Settings of the local platform: what is started when no manager is configured.
#pragma once

#include <cstdint>
#include <string>

#include "moai/base/status.h"

namespace moai::session {

struct LocalOptions {
  std::string state_dir;            // private to the user
  std::string program_dir;          // of moai-master, moai-agent and moai-worker
  uint32_t devices = 8;             // simulated; of another probe as many as there are
  std::string probe = "simulated";  // as moai-agent's
  uint64_t memory_bytes = 0;        // of one; 0: half of the machine's, shared out
  uint32_t threads = 0;             // of a Worker; 0: as many as the machine has processors
  uint32_t job_devices = 0;         // at most, of a flavor that a job may have; 0: all of them
  std::string flavors;              // file of what a job may have; empty: those of a new site
  int64_t idle_exit_s = 600;        // without a session and without a call; 0: never
  std::string compile_python;       // of the compile service; empty: the agent's default
  int64_t start_ms_max = 30'000;
};

// From MOAI_STATE_DIR (default XDG_STATE_HOME/moai, then HOME/.local/state/moai),
// MOAI_LOCAL_DEVICES, MOAI_LOCAL_PROBE, MOAI_DEVICE_MEMORY, MOAI_LOCAL_THREADS,
// MOAI_LOCAL_JOB_DEVICES, MOAI_LOCAL_FLAVORS, MOAI_LOCAL_IDLE_EXIT and MOAI_COMPILE_PYTHON;
// programs are looked for beside this one. INVALID_ARGUMENT names the variable that is wrong.
Result<LocalOptions> local_options();

// Bytes of "8GiB", "512MiB", "1073741824".
Result<uint64_t> parse_bytes(const std::string& text);

}  // namespace moai::session
