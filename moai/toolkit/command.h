// What all commands share: how they are called, how they end, how they print.
//
// Exit codes: kDone, kFailed (one line on stderr tells why), kBadUsage, kNotRunning (a command that
// asks about a local platform that does not run).
#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "moai/base/status.h"
#include "moai/toolkit/platform.h"
#include "moai/toolkit/terminal.h"

namespace moai::toolkit {

inline constexpr int kDone = 0;
inline constexpr int kFailed = 1;
inline constexpr int kBadUsage = 2;
inline constexpr int kNotRunning = 3;

using Json = nlohmann::ordered_json;

struct Context {
  std::string version;
  Terminal terminal;
  FindPlatform find = find_platform;
};

// Parses and calls `action`, whose value is the exit code and whose error is printed. Help and
// version end with kDone, what cannot be parsed with kBadUsage.
int run_command(CLI::App& app, const std::vector<std::string>& arguments, Context& context,
                const std::function<Result<int>()>& action);

// The whole of a main: streams of the process, SIGPIPE, and what could not be written.
using Command = int (*)(const std::vector<std::string>& arguments, Context& context);
int run_program(int argc, char** argv, const char* version, Command command);

// With what does not belong into UTF-8 replaced; ends with a line end. `compact`: on one line.
void print_json(Terminal& terminal, const Json& json, bool compact = false);

// Another at each call; makes a retried request have one outcome.
std::string operation_id();

}  // namespace moai::toolkit
