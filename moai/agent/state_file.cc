#include "moai/agent/state_file.h"

#include <fstream>
#include <nlohmann/json.hpp>

#include "moai/base/file.h"

namespace moai::agent {
namespace {

constexpr int kVersion = 1;

nlohmann::json to_json(const RunningProcess& worker) {
  return {{"device", worker.device},
          {"epoch", worker.epoch},
          {"pid", worker.process.pid},
          {"start_ticks", worker.process.start_ticks},
          {"address", worker.address}};
}

}  // namespace

Result<AgentState> load_state(const std::string& path) {
  AgentState state;
  std::ifstream file(path);
  if (!file) return state;
  const auto json = nlohmann::json::parse(file, nullptr, false);
  if (!json.is_object() || json.value("version", 0) != kVersion) {
    return data_loss("[agent.state] not a state file of this version: " + path +
                     "; remove it when no Worker runs on this node");
  }
  try {
    state.last_heard_ms = json.at("last_heard_ms");
    state.boot_id = json.at("boot_id");
    for (const auto& device : json.at("newest_epochs")) {
      state.newest_epochs[device.at(0)] = device.at(1);
    }
    for (const auto& w : json.at("workers")) {
      const RunningProcess worker = {
          w.at("device"), w.at("epoch"), {w.at("pid"), w.at("start_ticks")}, w.at("address")};
      state.workers[worker.device] = worker;
    }
  } catch (const nlohmann::json::exception& e) {
    return data_loss("[agent.state] damaged: " + path + ": " + e.what() +
                     "; remove it when no Worker runs on this node");
  }
  return state;
}

Status save_state(const std::string& path, const AgentState& state) {
  nlohmann::json json = {{"version", kVersion},
                         {"last_heard_ms", state.last_heard_ms},
                         {"boot_id", state.boot_id},
                         {"newest_epochs", nlohmann::json::array()},
                         {"workers", nlohmann::json::array()}};
  for (const auto& [device, epoch] : state.newest_epochs) {
    json["newest_epochs"].push_back({device, epoch});
  }
  for (const auto& [device, worker] : state.workers) json["workers"].push_back(to_json(worker));
  return write_file(path, json.dump(1), {.mode = 0600, .synced = true});
}

}  // namespace moai::agent
