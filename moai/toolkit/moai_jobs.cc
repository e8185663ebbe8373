#include <memory>
#include <ostream>

#include "moai/toolkit/moai.h"
#include "moai/toolkit/table.h"

namespace moai::toolkit {
namespace {

constexpr size_t kCommandWidth = 40;

struct Flags {
  bool ended = false;
  bool all_tokens = false;
  uint32_t limit = 100;
};

std::string end_or_null(int64_t ns) { return ns == 0 ? "" : local_time(ns); }

Json job_json(const v1::Job& job) {
  Json devices = Json::array();
  for (const v1::PhysicalDevice& device : job.devices()) {
    devices.push_back(device.host() + ":" + std::to_string(device.index()));
  }
  return {{"job_id", job.id()},
          {"token", job.token()},
          {"device", job.accelerator()},
          {"model", job.flavor()},
          {"state", job.state()},
          {"reason", job.reason()},
          {"priority", job.priority()},
          {"pid", job.pid()},
          {"process", job.command()},
          {"hostname", job.hostname()},
          {"client", job.client()},
          {"requested", end_or_null(job.requested_ns())},
          {"granted", end_or_null(job.granted_ns())},
          {"ended", end_or_null(job.ended_ns())},
          {"physical", std::move(devices)}};
}

// "back01:0-3,6 back02:5", in the order of ranks.
std::string devices_text(const v1::Job& job) {
  std::string text, host;
  for (int i = 0; i < job.devices_size();) {
    const uint32_t first = job.devices(i).index();
    const bool same_host = i > 0 && job.devices(i).host() == host;
    host = job.devices(i).host();
    text += same_host ? "," : (text.empty() ? "" : " ") + host + ":";
    uint32_t last = first;
    while (++i < job.devices_size() && job.devices(i).host() == host &&
           job.devices(i).index() == last + 1) {
      ++last;
    }
    text += std::to_string(first) + (last == first ? "" : "-" + std::to_string(last));
  }
  return text.empty() ? "-" : text;
}

void print_table(std::ostream& out, const v1::Jobs& jobs, bool ended) {
  Table table;
  table.header = {
      "Job ID",  "Token", "PRY",          "Status",     "Device",
      "Model",   "PID",   "Process Name", "Start Time", ended ? "End Time" : "Request Time",
      "Physical"};
  std::string reasons;
  for (const v1::Job& job : jobs.jobs()) {
    table.rows.push_back(
        {std::to_string(job.id()), one_line(job.token(), kCommandWidth),
         std::to_string(job.priority()), job.state(), std::to_string(job.accelerator()),
         job.flavor(), std::to_string(job.pid()), one_line(job.command(), kCommandWidth),
         local_time(job.granted_ns()), local_time(ended ? job.ended_ns() : job.requested_ns()),
         one_line(devices_text(job), kCommandWidth)});
    if (!job.reason().empty()) {
      reasons += "Job " + std::to_string(job.id()) + ": " + job.reason() + "\n";
    }
  }
  if (table.rows.empty()) {
    out << (ended ? "No job has ended yet.\n" : "No job is running or waiting.\n");
    return;
  }
  out << render(table) << reasons;
}

Result<int> jobs(const Flags& flags, Context& context, bool json) {
  MOAI_ASSIGN_OR_RETURN(Platform platform, context.find(context.terminal, Stopped::kLeave));
  if (!platform.api) return not_running(context, json);
  v1::ListJobsRequest request;
  request.set_ended(flags.ended);
  request.set_limit(flags.limit);
  request.set_all_tokens(flags.all_tokens);
  MOAI_ASSIGN_OR_RETURN(const v1::Jobs list, platform.api->list_jobs(request));
  if (json) {
    Json out = {{"jobs", Json::array()}};
    for (const v1::Job& job : list.jobs()) out["jobs"].push_back(job_json(job));
    print_json(context.terminal, out);
  } else {
    print_table(context.terminal.out, list, flags.ended);
  }
  return kDone;
}

}  // namespace

void declare_jobs(CLI::App& app, Invocation& invocation) {
  auto flags = std::make_shared<Flags>();  // of the options and of the action
  CLI::App* command = add_command(app, invocation, "jobs", "jobs that run, wait or have ended");
  command->add_flag("--ended", flags->ended, "those that have ended, newest first");
  command->add_flag("--all", flags->all_tokens, "of all tokens (ADMIN)");
  command->add_option("--limit", flags->limit, "at most so many")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  command->footer("Example: moai jobs --ended --limit 10 --json");
  command->callback([&invocation, flags] {
    invocation.action = [flags](Context& context, bool json) {
      return jobs(*flags, context, json);
    };
  });
}

}  // namespace moai::toolkit
