#include "moai/toolkit/snapshot_tables.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "moai/toolkit/table.h"

namespace moai::toolkit {
namespace {

using Json = nlohmann::ordered_json;

constexpr size_t kCommandWidth = 48;

std::string versions(const Snapshot& snapshot) {
  return "Current Version: " + snapshot.client_version +
         "  Latest Version: " + snapshot.server.latest_version();
}

std::string device_cell(const v1::Accelerator& accelerator) {
  return (accelerator.is_default() ? "* " : "  ") + std::to_string(accelerator.number());
}

bool is_running(const v1::Accelerator& accelerator) {
  return std::any_of(accelerator.processes().begin(), accelerator.processes().end(), is_held);
}

std::string location(const v1::PhysicalDevice& device) {
  return device.host() + ":" + std::to_string(device.index());
}

std::string celsius(bool known, double degrees) {
  return known ? std::to_string(static_cast<int>(degrees)) + " C" : "-";
}

double memory_share(const v1::PhysicalDevice& device) {
  if (device.memory_bytes() == 0) return 0;
  return static_cast<double>(device.state().memory_used_bytes()) /
         static_cast<double>(device.memory_bytes());
}

std::string waiting_text(const Snapshot& snapshot) {
  std::string out;
  for (const v1::Accelerator& accelerator : snapshot.accelerators) {
    for (const v1::Process& process : accelerator.processes()) {
      if (is_held(process)) continue;
      out += "Job " + std::to_string(process.job_id()) + " (pid: " + std::to_string(process.pid()) +
             ") waits: " +
             (process.reason().empty() ? "the request has just come." : process.reason()) + "\n";
    }
  }
  return out;
}

Json physical_json(const v1::PhysicalDevice& device) {
  const v1::DeviceState& state = device.state();
  Json json = {{"location", location(device)},
               {"host", device.host()},
               {"index", device.index()},
               {"model", device.model()},
               {"utilization_percent", state.utilization() * 100},
               {"memory_used_bytes", state.memory_used_bytes()},
               {"memory_total_bytes", device.memory_bytes()},
               {"temperature_c", nullptr},
               {"memory_temperature_c", nullptr},
               {"power_w", nullptr}};
  if (state.has_temperature_c()) json["temperature_c"] = state.temperature_c();
  if (state.has_memory_temperature_c()) json["memory_temperature_c"] = state.memory_temperature_c();
  if (state.has_power_w()) json["power_w"] = state.power_w();
  return json;
}

Json device_json(const v1::Accelerator& accelerator) {
  const bool running = is_running(accelerator);
  Json json = {{"device", accelerator.number()},
               {"default", accelerator.is_default()},
               {"name", accelerator.name()},
               {"model", accelerator.flavor().name()},
               {"model_id", accelerator.flavor().id()},
               {"model_devices", accelerator.flavor().devices()},
               {"token", accelerator.token()},
               {"state", running ? "running" : "idle"},
               {"memory_used_bytes", nullptr},
               {"memory_total_bytes", accelerator.flavor().memory_bytes()},
               {"utilization_percent", nullptr},
               {"physical", Json::array()}};
  if (running) {
    json["memory_used_bytes"] = accelerator.memory_used_bytes();
    json["utilization_percent"] = accelerator.utilization() * 100;
  }
  for (const v1::PhysicalDevice& device : accelerator.devices()) {
    json["physical"].push_back(physical_json(device));
  }
  return json;
}

Json process_json(const v1::Accelerator& accelerator, const v1::Process& process) {
  return {{"device", accelerator.number()},
          {"job_id", process.job_id()},
          {"pid", process.pid()},
          {"process", process.command()},
          {"hostname", process.hostname()},
          {"state", process.state()},
          {"waiting", !is_held(process)},
          {"reason", process.reason()},
          {"memory_used_bytes", process.memory_used_bytes()}};
}

}  // namespace

std::string device_table(const Snapshot& snapshot) {
  Table table;
  table.title = versions(snapshot);
  table.header = {"Device", "Name", "Model", "Memory Usage", "Total Memory", "Utilization"};
  for (const v1::Accelerator& a : snapshot.accelerators) {
    std::vector<std::string> row = {device_cell(a), a.name(), a.flavor().name(), "-", "-", "-"};
    if (is_running(a)) {
      row[3] = mib(a.memory_used_bytes());
      row[4] = mib(a.flavor().memory_bytes());
      row[5] = percent(a.utilization());
    }
    table.rows.push_back(std::move(row));
  }
  return render(table);
}

std::string process_table(const Snapshot& snapshot) {
  Table table;
  table.header = {"Device", "Job ID", "PID", "Process", "Memory Usage"};
  for (const v1::Accelerator& accelerator : snapshot.accelerators) {
    for (const v1::Process& process : accelerator.processes()) {
      table.rows.push_back({std::to_string(accelerator.number()), std::to_string(process.job_id()),
                            std::to_string(process.pid()),
                            one_line(process.command(), kCommandWidth),
                            is_held(process) ? mib(process.memory_used_bytes()) : "waiting"});
    }
  }
  if (table.rows.empty()) return "";
  return "Processes:\n" + render(table) + waiting_text(snapshot);
}

std::string token_table(const Snapshot& snapshot) {
  Table table;
  table.title = versions(snapshot);
  table.header = {"Device", "Name", "Token", "Model"};
  for (const v1::Accelerator& a : snapshot.accelerators) {
    table.rows.push_back(
        {device_cell(a), a.name(), one_line(a.token(), kCommandWidth), a.flavor().name()});
  }
  return render(table);
}

std::string physical_table(const Snapshot& snapshot) {
  Table table;
  table.title = versions(snapshot);
  table.header = {"Dev", "Location", "Dev Temp", "Mem Temp", "Dev Util", "Mem Util", "Mem Usage"};
  for (const v1::Accelerator& accelerator : snapshot.accelerators) {
    for (const v1::PhysicalDevice& device : accelerator.devices()) {
      const v1::DeviceState& state = device.state();
      table.rows.push_back({std::to_string(accelerator.number()), location(device),
                            celsius(state.has_temperature_c(), state.temperature_c()),
                            celsius(state.has_memory_temperature_c(), state.memory_temperature_c()),
                            percent(state.utilization()), percent(memory_share(device)),
                            mib(state.memory_used_bytes())});
    }
  }
  if (table.rows.empty()) return "No job is running, so no physical device is held.\n";
  return render(table);
}

Json to_json(const Snapshot& snapshot) {
  Json json = {{"client_version", snapshot.client_version},
               {"server_version", nullptr},
               {"latest_version", snapshot.server.latest_version()},
               {"platform", snapshot.state},
               {"address", snapshot.address},
               {"devices", Json::array()},
               {"processes", Json::array()}};
  if (snapshot.state != "stopped") json["server_version"] = snapshot.server.version();
  for (const v1::Accelerator& accelerator : snapshot.accelerators) {
    json["devices"].push_back(device_json(accelerator));
    for (const v1::Process& process : accelerator.processes()) {
      json["processes"].push_back(process_json(accelerator, process));
    }
  }
  return json;
}

}  // namespace moai::toolkit
