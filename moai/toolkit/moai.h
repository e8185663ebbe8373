// moai: the platform's own command; one file per subcommand.
#pragma once

#include "moai/toolkit/command.h"

namespace moai::toolkit {

int moai_command(const std::vector<std::string>& arguments, Context& context);

// What a subcommand leaves behind when it was chosen.
struct Invocation {
  bool json = false;
  std::function<Result<int>(Context&, bool json)> action;
};
void declare_up(CLI::App& app, Invocation& invocation);
void declare_down(CLI::App& app, Invocation& invocation);
void declare_status(CLI::App& app, Invocation& invocation);
void declare_token(CLI::App& app, Invocation& invocation);
void declare_jobs(CLI::App& app, Invocation& invocation);
void declare_events(CLI::App& app, Invocation& invocation);
void declare_explain(CLI::App& app, Invocation& invocation);
void declare_plan(CLI::App& app, Invocation& invocation);
void declare_calibrate(CLI::App& app, Invocation& invocation);

// A subcommand with --json.
CLI::App* add_command(CLI::App& app, Invocation& invocation, const std::string& name,
                      const std::string& text);

// For commands that only look: prints that there is no local platform.
Result<int> not_running(Context& context, bool json);

}  // namespace moai::toolkit
