#include "moai/session/local/platform_file.h"

#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <nlohmann/json.hpp>

#include "moai/base/file.h"

namespace moai::session {
namespace {

constexpr int kVersion = 1;

std::string path_in(const std::string& state_dir) { return state_dir + "/platform.json"; }

nlohmann::json to_json(const ProcessId& process) {
  return {{"pid", process.pid}, {"start_ticks", process.start_ticks}};
}

ProcessId to_process(const nlohmann::json& json) {
  return {json.at("pid"), json.at("start_ticks")};
}

}  // namespace

std::optional<LocalPlatform> read_platform(const std::string& state_dir) {
  std::ifstream file(path_in(state_dir));
  if (!file) return std::nullopt;
  try {
    const auto json = nlohmann::json::parse(file);
    if (json.at("version") != kVersion) return std::nullopt;
    LocalPlatform platform;
    platform.address = json.at("address");
    platform.ca_path = json.at("ca_path");
    platform.token_path = json.at("token_path");
    platform.master = to_process(json.at("master"));
    platform.agent = to_process(json.at("agent"));
    platform.devices = json.at("devices");
    platform.memory_bytes = json.at("memory_bytes");
    platform.idle_exit_s = json.at("idle_exit_s");
    platform.build = json.value("build", "");
    return platform;
  } catch (const nlohmann::json::exception&) {
    return std::nullopt;
  }
}

Status write_platform(const std::string& state_dir, const LocalPlatform& platform) {
  const nlohmann::json json = {{"version", kVersion},
                               {"address", platform.address},
                               {"ca_path", platform.ca_path},
                               {"token_path", platform.token_path},
                               {"master", to_json(platform.master)},
                               {"agent", to_json(platform.agent)},
                               {"devices", platform.devices},
                               {"memory_bytes", platform.memory_bytes},
                               {"idle_exit_s", platform.idle_exit_s},
                               {"build", platform.build}};
  return write_file(path_in(state_dir), json.dump(1) + "\n");
}

Status remove_platform(const std::string& state_dir) {
  if (::unlink(path_in(state_dir).c_str()) == 0 || errno == ENOENT) return ok_status();
  return unavailable("[session.local] cannot remove " + path_in(state_dir) + ": " +
                     std::strerror(errno));
}

}  // namespace moai::session
