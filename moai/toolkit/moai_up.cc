#include <ostream>

#include "moai/base/log.h"
#include "moai/base/site_settings.h"
#include "moai/session/local/device_memory.h"
#include "moai/session/local/local_platform.h"
#include "moai/toolkit/known_accelerators.h"
#include "moai/toolkit/moai.h"
#include "moai/toolkit/snapshot.h"

namespace moai::toolkit {
namespace {

Status refuse_configured() {
  const SiteSettings site = read_site_settings();
  if (site.address.empty()) return ok_status();
  return failed_precondition("A manager is configured (" + site.address +
                             "), so no local platform is used; unset MOREH_SDA_MANAGER_ADDRESS or "
                             "remove /etc/moreh/manager_address to have one");
}

std::string ending(int64_t idle_exit_s) {
  if (idle_exit_s == 0) return "runs until \"moai down\"";
  return "ends by itself after " + std::to_string(idle_exit_s) + " s idle";
}

// What fronts and tools show before they have a connection.
void remember(const Snapshot& snapshot, const std::string& state_dir) {
  const v1::Accelerator* accelerator = default_accelerator(snapshot);
  if (!accelerator) return;
  const Status status =
      session::remember_device_memory(state_dir, accelerator->flavor().memory_bytes());
  if (!status.ok()) log_debug(status.message());
}

// Settings count when the platform starts.
void warn_of_other_settings(Terminal& terminal, const session::LocalPlatform& running,
                            const session::LocalOptions& wanted) {
  const bool same = running.devices == wanted.devices &&
                    running.memory_bytes == wanted.memory_bytes &&
                    running.idle_exit_s == wanted.idle_exit_s;
  if (same) return;
  terminal.err << "[warning] The platform was started with other settings of MOAI_LOCAL_DEVICES, "
                  "MOAI_DEVICE_MEMORY or MOAI_LOCAL_IDLE_EXIT; \"moai down\" and \"moai up\" "
                  "takes yours.\n";
}

Result<int> up(Context& context, bool json) {
  MOAI_RETURN_IF_ERROR(refuse_configured());
  MOAI_ASSIGN_OR_RETURN(const session::LocalOptions options, session::local_options());
  const auto before = session::platform_status(options.state_dir);
  MOAI_ASSIGN_OR_RETURN(Platform platform, context.find(context.terminal, Stopped::kStart));
  const auto now = session::platform_status(options.state_dir);
  if (!now)
    return unavailable("The local platform has ended again; see the logs in " + options.state_dir);
  MOAI_ASSIGN_OR_RETURN(const Snapshot snapshot, take_snapshot(context.version, platform));
  remember(snapshot, options.state_dir);
  warn_of_other_settings(context.terminal, now->platform, options);
  const session::LocalPlatform& local = now->platform;
  const bool started = !before || before->platform.master != local.master;
  if (json) {
    print_json(context.terminal, {{"state", "running"},
                                  {"started", started},
                                  {"address", local.address},
                                  {"state_dir", options.state_dir},
                                  {"master_pid", local.master.pid},
                                  {"agent_pid", local.agent.pid},
                                  {"devices", local.devices},
                                  {"idle_exit_s", local.idle_exit_s}});
    return kDone;
  }
  context.terminal.out << "The local platform " << (started ? "has been started" : "is running")
                       << " at " << local.address << " (" << local.devices
                       << (local.devices == 1 ? " simulated device; " : " simulated devices; ")
                       << ending(local.idle_exit_s) << ").\n";
  return kDone;
}

}  // namespace

void declare_up(CLI::App& app, Invocation& invocation) {
  CLI::App* command =
      add_command(app, invocation, "up", "start the local platform unless it is running");
  command->footer("Exit code 0 also when it was running before.\nExample: moai up --json");
  command->callback([&invocation] { invocation.action = up; });
}

}  // namespace moai::toolkit
