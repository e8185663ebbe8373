// The local platform: with no manager configured, a master and an agent with simulated devices on
// this machine, private to the user. They end when idle. Same programs, same protocols as a site.
//
// State directory (0700): platform.json, lock, token, master/ (database, CA, certificates), agent/
// (state, sockets and logs of Workers), moai-master.log, moai-agent.log.
//
// Any number of processes may call at once: a lock on the state directory orders them. All calls
// block, with a deadline.
#pragma once

#include <atomic>
#include <functional>
#include <optional>
#include <string>

#include "moai/base/status.h"
#include "moai/session/local/local_options.h"
#include "moai/session/local/platform_file.h"

namespace moai::session {

// How the platform's answers are heard; tests replace it.
struct LocalProbe {
  // SDAManager answers a call.
  std::function<bool(const LocalPlatform&)> master_answers;
  // It knows the agent with this pid as connected.
  std::function<bool(const LocalPlatform&)> agent_is_registered;
  // No job runs or waits there. False where that cannot be told.
  std::function<bool(const LocalPlatform&)> is_idle;
};
LocalProbe core_api_probe();

struct LocalCall {
  std::function<void(std::string)> say = [](std::string) {};  // one line for the user
  const std::atomic<bool>* stop = nullptr;                    // true: give up soon; may be null
  // The caller comes back to a platform it has used: one that crashed is started again, one that
  // was stopped by stop_platform() stays so (ABORTED).
  bool comes_back = false;
  LocalProbe probe = core_api_probe();
};

// Returns a platform that answers, after starting what is missing of it. One whose programs are of
// another build is replaced while it is idle. Errors name the log file to look into.
Result<LocalPlatform> ensure_platform(const LocalOptions& options, const LocalCall& call = {});

struct LocalStatus {
  LocalPlatform platform;
  bool master_alive = false;
  bool agent_alive = false;
};
// Nothing when no platform was started, or it was stopped.
std::optional<LocalStatus> platform_status(const std::string& state_dir);

// Ends the master, then the agent with its Workers; jobs are over. OK when there is none.
Status stop_platform(const std::string& state_dir, int64_t deadline_ms = 10'000);

}  // namespace moai::session
