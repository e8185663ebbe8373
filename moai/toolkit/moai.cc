#include "moai/toolkit/moai.h"

#include <ostream>

namespace moai::toolkit {
namespace {

constexpr const char* kFooter = R"(Examples:
  moai up                                    start the local platform of this user now
  moai status --json                         pids, addresses and logs of its programs
  moai token create --description "team A"   a token for others; its secret is shown once
  moai jobs --ended --limit 10
  moai events --limit 20
  moai explain --flushes                     why the last job sent and waited, by line
  moai plan --cluster clusters/h100-dgx.toml:64 train.py   how it would train there
  moai calibrate                             measures this machine, for moai plan and jobs
  moai down

up, down and status are about the local platform, explain about jobs of this user, plan about a
script, calibrate about this machine; the others work with the configured manager too
(MOREH_SDA_MANAGER_ADDRESS, MOREH_SDA_TOKEN, MOREH_SDA_CA). token and events need an ADMIN token.
Exit codes: 0 done, 1 failed, 2 wrong usage, 3 no local platform runs.)";

}  // namespace

CLI::App* add_command(CLI::App& app, Invocation& invocation, const std::string& name,
                      const std::string& text) {
  CLI::App* command = app.add_subcommand(name, text);
  command->add_flag("--json", invocation.json, "for scripts");
  return command;
}

Result<int> not_running(Context& context, bool json) {
  if (json) {
    print_json(context.terminal, {{"state", "stopped"}});
  } else {
    context.terminal.out << "The local platform is not running: it starts with the first use of "
                            "the device, or by \"moai up\".\n";
  }
  return kNotRunning;
}

int moai_command(const std::vector<std::string>& arguments, Context& context) {
  CLI::App app("The MoAI platform: the local one, tokens, jobs and events.", "moai");
  Invocation invocation;
  declare_up(app, invocation);
  declare_down(app, invocation);
  declare_status(app, invocation);
  declare_token(app, invocation);
  declare_jobs(app, invocation);
  declare_events(app, invocation);
  declare_explain(app, invocation);
  declare_plan(app, invocation);
  declare_calibrate(app, invocation);
  app.require_subcommand(1);
  app.set_version_flag("--version", context.version);
  app.footer(kFooter);
  return run_command(app, arguments, context,
                     [&] { return invocation.action(context, invocation.json); });
}

}  // namespace moai::toolkit
