#include <ostream>

#include "moai/session/local/local_platform.h"
#include "moai/toolkit/moai.h"
#include "moai/toolkit/progress.h"

namespace moai::toolkit {
namespace {

constexpr int64_t kStopMsMax = 20'000;

Result<int> down(Context& context, bool json) {
  MOAI_ASSIGN_OR_RETURN(const session::LocalOptions options, session::local_options());
  const auto status = session::platform_status(options.state_dir);
  const bool was_running = status && (status->master_alive || status->agent_alive);
  {
    Progress progress(context.terminal.err, "Stopping the local platform");
    if (status && status->master_alive && !status->agent_alive) {
      // Only an agent can end the Workers that a killed one has left.
      MOAI_RETURN_IF_ERROR(session::ensure_platform(options).status());
    }
    MOAI_RETURN_IF_ERROR(session::stop_platform(options.state_dir, kStopMsMax));
  }
  if (json) {
    print_json(context.terminal, {{"state", "stopped"}, {"was_running", was_running}});
  } else {
    context.terminal.out << (was_running ? "The local platform is stopped.\n"
                                         : "The local platform was not running.\n");
  }
  return kDone;
}

}  // namespace

void declare_down(CLI::App& app, Invocation& invocation) {
  CLI::App* command =
      add_command(app, invocation, "down", "stop the local platform and the jobs on it");
  command->footer("Exit code 0 also when it was not running.\nExample: moai down");
  command->callback([&invocation] { invocation.action = down; });
}

}  // namespace moai::toolkit
