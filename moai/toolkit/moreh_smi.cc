#include "moai/toolkit/moreh_smi.h"

#include <ctime>
#include <optional>
#include <ostream>
#include <thread>

#include "moai/toolkit/moreh_smi_device.h"
#include "moai/toolkit/snapshot_tables.h"

namespace moai::toolkit {
namespace {

constexpr const char* kFooter = R"(Examples:
  moreh-smi                   accelerators, and processes while a job runs
  moreh-smi -i 1 --json       accelerator 1 for scripts
  moreh-smi -p -l 2           the physical devices of running jobs, every two seconds
  moreh-smi --reset           end the job on the default accelerator
  moreh-smi device --add 1    another accelerator with the first model of "device --list"

With no manager configured (MOREH_SDA_MANAGER_ADDRESS, /etc/moreh/manager_address) it looks at the
local platform of this user. Exit codes: 0 done, 1 failed, 2 wrong usage.)";

struct Flags {
  std::optional<uint32_t> number;
  bool token = false, physical = false, reset = false, json = false;
  bool server_version = false, version = false;
  std::optional<uint32_t> every_s;
  DeviceFlags device;
};

void declare(CLI::App& app, Flags& flags) {
  app.add_option("-i,--idx", flags.number, "only this accelerator");
  app.add_flag("-t,--token", flags.token, "show tokens");
  app.add_flag("-p,--physical", flags.physical, "show the physical devices of running jobs");
  app.add_flag("-r,--reset", flags.reset, "end the job on the accelerator, give its devices back");
  app.add_flag("-s,--server-version", flags.server_version, "version of the server");
  app.add_flag("-v,--version", flags.version, "version of this program");
  app.add_flag("--json", flags.json, "for scripts");
  app.add_option("-l,--loop", flags.every_s, "again every so many seconds")
      ->check(CLI::Range(1, 86400))
      ->type_name("SECONDS");
  declare_device(app, flags.device);
  app.footer(kFooter);
}

std::string clock_line() {
  const std::time_t now = std::time(nullptr);
  std::tm local{};
  ::localtime_r(&now, &local);
  char text[64];
  const size_t n = std::strftime(text, sizeof text, "%H:%M:%S %B %d, %Y", &local);
  return std::string(text, n) + "\n";
}

void print_tables(std::ostream& out, const Snapshot& snapshot, const Flags& flags) {
  out << clock_line();
  if (flags.physical) {
    out << physical_table(snapshot);
    if (const std::string processes = process_table(snapshot); !processes.empty()) {
      out << "\n" << processes;
    }
  } else if (flags.token) {
    out << token_table(snapshot);
  } else {
    out << device_table(snapshot);
    if (const std::string processes = process_table(snapshot); !processes.empty()) {
      out << "\n" << processes;
    }
  }
  if (snapshot.state == "stopped") {
    out << "The local platform is not running: it starts with the first use of the device, or by "
           "\"moai up\".\n";
  }
  out.flush();
}

Result<int> show(const Flags& flags, Context& context) {
  MOAI_ASSIGN_OR_RETURN(Platform platform, context.find(context.terminal, Stopped::kLeave));
  MOAI_ASSIGN_OR_RETURN(Snapshot snapshot, take_snapshot(context.version, platform));
  if (flags.number) MOAI_RETURN_IF_ERROR(keep_accelerator(&snapshot, *flags.number));
  if (flags.json) {
    print_json(context.terminal, to_json(snapshot), flags.every_s.has_value());
  } else {
    print_tables(context.terminal.out, snapshot, flags);
  }
  return kDone;
}

// Goes on over a server that is away for a while; ends when nobody reads any more.
Result<int> show_again_and_again(const Flags& flags, Context& context) {
  while (true) {
    const Result<int> shown = show(flags, context);
    if (!shown.ok()) {
      context.terminal.err << "moreh-smi: " << shown.status().message() << '\n';
    }
    if (!context.terminal.out.good()) return kDone;
    std::this_thread::sleep_for(std::chrono::seconds(*flags.every_s));
    if (!flags.json) context.terminal.out << "\n";
  }
}

Result<int> show_client_version(const Flags& flags, Context& context) {
  if (flags.json) {
    print_json(context.terminal, {{"client_version", context.version}});
  } else {
    context.terminal.out << "Client Version: " << context.version << "\n";
  }
  return kDone;
}

Result<int> show_server_version(const Flags& flags, Context& context) {
  MOAI_ASSIGN_OR_RETURN(Platform platform, context.find(context.terminal, Stopped::kLeave));
  MOAI_ASSIGN_OR_RETURN(const Snapshot snapshot, take_snapshot(context.version, platform));
  const bool runs = snapshot.state != "stopped";
  if (flags.json) {
    const Json json = to_json(snapshot);
    print_json(context.terminal, {{"server_version", json["server_version"]},
                                  {"latest_version", json["latest_version"]}});
  } else {
    context.terminal.out << "Server Version: " << snapshot.server.version()
                         << (runs ? "" : " (the local platform is not running)") << "\n";
  }
  return kDone;
}

Result<uint32_t> accelerator_to_reset(const Flags& flags, CoreApi& api) {
  if (flags.number) return *flags.number;
  MOAI_ASSIGN_OR_RETURN(const v1::Accelerators list, api.list_accelerators({}));
  for (const v1::Accelerator& accelerator : list.accelerators()) {
    if (accelerator.is_default()) return accelerator.number();
  }
  return not_found("This token has no default accelerator; give one with -i");
}

Result<int> reset(const Flags& flags, Context& context) {
  MOAI_ASSIGN_OR_RETURN(Platform platform, context.find(context.terminal, Stopped::kLeave));
  Status status = failed_precondition("Not running job.");
  uint32_t number = flags.number.value_or(0);
  if (platform.api) {
    MOAI_ASSIGN_OR_RETURN(number, accelerator_to_reset(flags, *platform.api));
    v1::AcceleratorRequest request;
    request.set_operation_id(operation_id());
    request.set_number(number);
    status = platform.api->reset_accelerator(request).status();
  }
  if (!status.ok()) {
    context.terminal.err << "Device release failed. (" << status.message() << ")\n";
    return kFailed;
  }
  if (flags.json) {
    print_json(context.terminal, {{"result", "Device release success."}, {"device", number}});
  } else {
    context.terminal.out << "Device release success.\n";
  }
  return kDone;
}

Result<int> act(const Flags& flags, Context& context) {
  if (flags.version) return show_client_version(flags, context);
  if (flags.server_version) return show_server_version(flags, context);
  if (flags.reset) return reset(flags, context);
  if (flags.device.asked) return manage_devices(flags.device, flags.json, context);
  if (flags.every_s) return show_again_and_again(flags, context);
  return show(flags, context);
}

}  // namespace

int moreh_smi(const std::vector<std::string>& arguments, Context& context) {
  CLI::App app("Looks at the accelerators of your token, adds, removes and resets them.",
               "moreh-smi");
  Flags flags;
  declare(app, flags);
  return run_command(app, arguments, context, [&] { return act(flags, context); });
}

}  // namespace moai::toolkit
