// Starting, awaiting and ending the programs of the local platform.
#pragma once

#include <atomic>
#include <functional>
#include <string>
#include <vector>

#include "moai/base/process.h"
#include "moai/base/status.h"

namespace moai::session {

// How long a caller is ready to wait. Time is boot_time_ms().
struct Wait {
  int64_t deadline_ms = 0;
  const std::atomic<bool>* stop = nullptr;  // true: do not wait any more

  bool over() const { return (stop && *stop) || boot_time_ms() >= deadline_ms; }
};

// Detached from this process and its terminal; stdout and stderr go to the end of the log.
Result<ProcessId> start_daemon(const std::vector<std::string>& argv, const std::string& log_path);

// Until `ready`, looked at every few milliseconds. ABORTED: the process ended.
Status await(const ProcessId& process, const Wait& wait, const std::function<bool()>& ready);

// Waits `patience_ms` for the process to end by itself, then asks it to, then kills it. OK when it
// is gone.
Status end_process(const ProcessId& process, int64_t patience_ms, const Wait& wait);
// Kills it at once.
Status kill_process(const ProcessId& process, const Wait& wait);

}  // namespace moai::session
