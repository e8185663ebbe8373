#include "moai/session/local/daemon.h"

#include <poll.h>
#include <signal.h>

#include <algorithm>

namespace moai::session {
namespace {

constexpr int kLookMs = 10;
constexpr int64_t kTermMs = 5'000;

// True when the process was gone before `until_ms` and the end of the wait.
bool gone(const ProcessId& process, int64_t until_ms, const Wait& wait) {
  while (is_alive(process)) {
    if (wait.over() || boot_time_ms() >= until_ms) return false;
    ::poll(nullptr, 0, kLookMs);
  }
  return true;
}

void signal_process(const ProcessId& process, int signal) {
  if (is_alive(process)) ::kill(static_cast<pid_t>(process.pid), signal);
}

}  // namespace

Result<ProcessId> start_daemon(const std::vector<std::string>& argv, const std::string& log_path) {
  SpawnOptions options;
  options.argv = argv;
  options.log_path = log_path;
  options.detach = true;
  MOAI_ASSIGN_OR_RETURN(const int64_t pid, spawn(options));
  if (const auto process = process_id(pid)) return *process;
  return Status(Code::kAborted, "ended at once");
}

Status await(const ProcessId& process, const Wait& wait, const std::function<bool()>& ready) {
  while (!ready()) {
    if (!is_alive(process)) return aborted("ended at once");
    if (wait.stop && *wait.stop) return cancelled("is not needed any more");
    if (wait.over()) return deadline_exceeded("did not answer in time");
    ::poll(nullptr, 0, kLookMs);
  }
  return ok_status();
}

Status end_process(const ProcessId& process, int64_t patience_ms, const Wait& wait) {
  if (gone(process, boot_time_ms() + patience_ms, wait)) return ok_status();
  signal_process(process, SIGTERM);
  const int64_t left_ms = std::max<int64_t>(wait.deadline_ms - boot_time_ms(), 0);
  if (gone(process, boot_time_ms() + std::min(kTermMs, left_ms / 2), wait)) return ok_status();
  return kill_process(process, wait);
}

Status kill_process(const ProcessId& process, const Wait& wait) {
  signal_process(process, SIGKILL);
  if (gone(process, wait.deadline_ms, wait)) return ok_status();
  return deadline_exceeded("[session.local] process " + std::to_string(process.pid) +
                           " does not end");
}

}  // namespace moai::session
