#include <ctime>
#include <ostream>

#include "moai/base/site_settings.h"
#include "moai/session/local/local_platform.h"
#include "moai/toolkit/moai.h"
#include "moai/toolkit/table.h"

namespace moai::toolkit {
namespace {

struct Report {
  bool local = false;
  std::string address;
  std::string state_dir;
  int64_t idle_exit_s = 0;
  int64_t agent_pid = 0;  // of platform.json; 0: not local
  bool agent_alive = true;
  v1::Server server;
  bool may_list_agents = true;
  v1::AgentList agents;
};

// Only the local platform's logs are on this machine.
std::string log_path(const Report& report, const std::string& name) {
  return report.local ? report.state_dir + "/" + name : "";
}

std::string worker_log(const Report& report, uint32_t device) {
  return log_path(report, "agent/worker-" + std::to_string(device) + ".log");
}

Result<Report> take_report(Platform& platform) {
  Report report;
  report.local = platform.local;
  report.address = platform.address;
  report.state_dir = platform.state_dir;
  if (platform.local) {
    if (const auto local = session::platform_status(platform.state_dir)) {
      report.idle_exit_s = local->platform.idle_exit_s;
      report.agent_pid = local->platform.agent.pid;
      report.agent_alive = local->agent_alive;
    }
  }
  v1::GetServerRequest request;
  request.set_observe(true);
  MOAI_ASSIGN_OR_RETURN(report.server, platform.api->get_server(request));
  auto agents = platform.api->list_agents({});
  report.may_list_agents = agents.status().code() != Code::kPermissionDenied;
  if (!report.may_list_agents) return report;
  if (!agents.ok()) return agents.status();
  report.agents = std::move(*agents);
  return report;
}

Json workers_json(const Report& report) {
  Json workers = Json::array();
  for (const v1::Agent& agent : report.agents.agents()) {
    for (const v1::RunningWorker& worker : agent.workers()) {
      workers.push_back({{"pid", worker.pid()},
                         {"address", worker.address()},
                         {"agent", agent.name()},
                         {"device", worker.device()},
                         {"job_id", worker.job_id()},
                         {"rank", worker.rank()},
                         {"ranks", worker.ranks()},
                         {"epoch", worker.epoch()},
                         {"log", worker_log(report, worker.device())}});
    }
  }
  return workers;
}

Json agents_json(const Report& report) {
  Json agents = Json::array();
  for (const v1::Agent& agent : report.agents.agents()) {
    Json devices = Json::array();
    for (const v1::Device& device : agent.devices()) {
      devices.push_back({{"index", device.index()},
                         {"kind", device.kind()},
                         {"model", device.model()},
                         {"memory_bytes", device.memory_bytes()},
                         {"simulated", device.simulated()}});
    }
    agents.push_back({{"name", agent.name()},
                      {"pid", agent.pid()},
                      {"address", agent.host()},
                      {"version", agent.version()},
                      {"connected", agent.connected()},
                      {"log", log_path(report, "moai-agent.log")},
                      {"devices", std::move(devices)}});
  }
  return agents;
}

void print_report_json(Terminal& terminal, const Report& report) {
  print_json(terminal, {{"state", "running"},
                        {"platform", report.local ? "local" : "configured"},
                        {"address", report.address},
                        {"state_dir", report.local ? report.state_dir : ""},
                        {"idle_s", report.server.idle_ms() / 1000},
                        {"idle_exit_s", report.idle_exit_s},
                        {"master",
                         {{"pid", report.server.pid()},
                          {"address", report.address},
                          {"version", report.server.version()},
                          {"started", local_time(report.server.started_ns())},
                          {"log", log_path(report, "moai-master.log")}}},
                        {"agents", agents_json(report)},
                        {"workers", workers_json(report)}});
}

std::string with_log(const std::string& path) { return path.empty() ? "" : ", log " + path; }

std::string devices_text(const v1::Agent& agent) {
  if (agent.devices_size() == 0) return "no devices";
  const v1::Device& first = agent.devices(0);
  return std::to_string(agent.devices_size()) + (first.simulated() ? " simulated" : "") +
         (agent.devices_size() == 1 ? " device (" : " devices (") + first.kind() + ", " +
         mib(first.memory_bytes()) + " each)";
}

// ", job 7", or ", job 7 rank 2 of 4".
std::string with_job(const v1::RunningWorker& worker) {
  std::string text = ", job " + std::to_string(worker.job_id());
  if (worker.ranks() < 2) return text;
  return text + " rank " + std::to_string(worker.rank()) + " of " + std::to_string(worker.ranks());
}

void print_report(Terminal& terminal, const Report& report) {
  const int64_t up_s = std::time(nullptr) - report.server.started_ns() / 1'000'000'000;
  const std::string idle = duration(report.server.idle_ms() / 1000);
  const std::string ends = report.idle_exit_s == 0 ? ""
                                                   : "; ends by itself after " +
                                                         std::to_string(report.idle_exit_s) + " s";
  std::ostream& out = terminal.out;
  out << (report.local ? "The local platform" : "The configured platform") << " is running at "
      << report.address << " (idle for " << idle << ends << ").\n";
  out << "  master   pid " << report.server.pid() << ", version " << report.server.version()
      << ", up for " << duration(std::max<int64_t>(up_s, 0))
      << with_log(log_path(report, "moai-master.log")) << "\n";
  if (!report.may_list_agents) out << "  agents   shown to ADMIN tokens only\n";
  if (!report.agent_alive) {
    out << "  agent    pid " << report.agent_pid
        << " has ended; it is started again with the next use of the device, or by \"moai up\"\n";
  }
  for (const v1::Agent& agent : report.agents.agents()) {
    if (!agent.connected() && report.local) continue;
    out << "  agent    " << agent.name() << ", pid " << agent.pid() << " on " << agent.host()
        << (agent.connected() ? "" : ", not connected") << ", " << devices_text(agent)
        << with_log(log_path(report, "moai-agent.log")) << "\n";
    for (const v1::RunningWorker& worker : agent.workers()) {
      out << "  worker   pid " << worker.pid() << " on device " << worker.device() << " at "
          << worker.address() << with_job(worker) << with_log(worker_log(report, worker.device()))
          << "\n";
    }
  }
}

Result<int> status(Context& context, bool json) {
  MOAI_ASSIGN_OR_RETURN(Platform platform, context.find(context.terminal, Stopped::kLeave));
  if (!platform.api) return not_running(context, json);
  MOAI_ASSIGN_OR_RETURN(const Report report, take_report(platform));
  if (json) {
    print_report_json(context.terminal, report);
  } else {
    print_report(context.terminal, report);
  }
  return kDone;
}

}  // namespace

void declare_status(CLI::App& app, Invocation& invocation) {
  CLI::App* command = add_command(app, invocation, "status",
                                  "pids, addresses and logs of master, agents and workers");
  command->footer(
      "Exit code 3: no local platform runs. Looking does not keep it from its idle end.\n"
      "Example: moai status --json");
  command->callback([&invocation] { invocation.action = status; });
}

}  // namespace moai::toolkit
