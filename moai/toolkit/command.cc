#include "moai/toolkit/command.h"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <iostream>
#include <sstream>

#include "moai/identity/token.h"

namespace moai::toolkit {
namespace {

std::string flattened(std::string text) {
  std::replace(text.begin(), text.end(), '\n', ' ');
  return text;
}

// Of the program or the subcommand that was asked, or the version.
int print_help(const CLI::App& app, const CLI::ParseError& error, std::ostream& out) {
  std::ostringstream text;
  app.exit(error, text, text);
  out << text.str() << (text.str().ends_with('\n') ? "" : "\n");
  return kDone;
}

}  // namespace

int run_command(CLI::App& app, const std::vector<std::string>& arguments, Context& context,
                const std::function<Result<int>()>& action) {
  try {
    app.parse(std::vector<std::string>(arguments.rbegin(), arguments.rend()));
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) return print_help(app, error, context.terminal.out);
    context.terminal.err << app.get_name() << ": " << flattened(error.what()) << "; see \""
                         << app.get_name() << " --help\"\n";
    return kBadUsage;
  }
  const Result<int> result = action();
  if (result.ok()) return *result;
  const Status status = result.status();
  context.terminal.err << app.get_name() << ": " << flattened(status.message()) << "\n";
  return status.code() == Code::kInvalidArgument ? kBadUsage : kFailed;
}

int run_program(int argc, char** argv, const char* version, Command command) {
  std::signal(SIGPIPE, SIG_IGN);  // a reader that has seen enough is no error
  std::ios::sync_with_stdio(false);
  Context context{version, {std::cin, std::cout, std::cerr}};
  const int code = command(std::vector<std::string>(argv + 1, argv + argc), context);
  std::cout.clear();  // what could not be written is tried again, for its reason
  errno = 0;
  std::cout.flush();
  if (std::cout.good() || errno == EPIPE) return code;
  std::cerr << argv[0] << ": cannot write the output: " << std::strerror(errno) << "\n";
  return kFailed;
}

void print_json(Terminal& terminal, const Json& json, bool compact) {
  terminal.out << json.dump(compact ? -1 : 2, ' ', false, Json::error_handler_t::replace) << '\n'
               << std::flush;
}

std::string operation_id() { return identity::make_token(); }

}  // namespace moai::toolkit
