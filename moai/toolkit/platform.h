// Where a command finds SDAManager: the configured one, else the local platform of this user.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "moai/base/status.h"
#include "moai/toolkit/core_api.h"
#include "moai/toolkit/terminal.h"

namespace moai::toolkit {

struct Platform {
  std::unique_ptr<CoreApi> api;  // null: it is the local platform, and that is not running
  bool local = false;
  std::string address;
  std::string state_dir;      // of this user
  uint64_t memory_bytes = 0;  // of one device, as a local platform to come would have it
};

// What to do about a local platform that does not run.
enum class Stopped { kLeave, kStart };

using FindPlatform = std::function<Result<Platform>(Terminal&, Stopped)>;
// By environment and files (moai/base/site_settings.h). Blocks while a local platform starts.
Result<Platform> find_platform(Terminal& terminal, Stopped stopped);

}  // namespace moai::toolkit
