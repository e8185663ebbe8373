// platform.json of the state directory: which processes are the local platform, and where.
// docs/formats/session.md lists its fields.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "moai/base/process.h"
#include "moai/base/status.h"

namespace moai::session {

struct LocalPlatform {
  std::string address;  // of SDAManager
  std::string ca_path;
  std::string token_path;  // of the user's token, level ADMIN
  ProcessId master;
  ProcessId agent;
  uint32_t devices = 0;
  uint64_t memory_bytes = 0;  // of one device; 0: the agent's default
  int64_t idle_exit_s = 0;
  std::string build;  // of its programs: their sizes and times
};

// Nothing when there is no file, or when what is there cannot be understood (then it is as good as
// none: the platform is started anew).
std::optional<LocalPlatform> read_platform(const std::string& state_dir);
// Readers see the old file or the new one.
Status write_platform(const std::string& state_dir, const LocalPlatform& platform);
Status remove_platform(const std::string& state_dir);

}  // namespace moai::session
