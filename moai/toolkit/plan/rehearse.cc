#include "moai/toolkit/plan/rehearse.h"

#include <sys/stat.h>
#include <sys/wait.h>

#include <chrono>
#include <ostream>

#include "moai/base/file.h"
#include "moai/base/process.h"
#include "moai/toolkit/child_process.h"

namespace moai::toolkit {
namespace {

using Clock = std::chrono::steady_clock;

// Nothing is allocated; what one device has must not end a script that is planned for many.
constexpr const char* kEnoughMemory = "1048576GiB";

Status too_long(const Rehearsal& rehearsal) {
  return deadline_exceeded("the script had not trained " + std::to_string(rehearsal.steps) +
                           " steps after " + std::to_string(rehearsal.seconds_max) +
                           " s and was ended; give it less to do, or --timeout more");
}

}  // namespace

Result<Rehearsed> rehearse(const Rehearsal& rehearsal, graph::SignatureTable* signatures,
                           Terminal& terminal) {
  const std::string& script = rehearsal.arguments[0];
  struct stat found{};
  if (::stat(script.c_str(), &found) != 0 || S_ISDIR(found.st_mode)) {
    return not_found("there is no script \"" + script + "\"");
  }
  MOAI_ASSIGN_OR_RETURN(const ScratchFolder folder, ScratchFolder::make("plan"));
  const std::string recording = folder.file("recording"), log_path = folder.file("log");
  SpawnOptions options{.argv = {rehearsal.python},
                       .environment = {{"MOAI_REHEARSAL", recording},
                                       {"MOAI_REHEARSAL_STEPS", std::to_string(rehearsal.steps)},
                                       {"MOAI_DEVICE_MEMORY", kEnoughMemory},
                                       {"PYTHONUNBUFFERED", "1"}},
                       .log_path = log_path,
                       .truncate_log = true};
  options.argv.insert(options.argv.end(), rehearsal.arguments.begin(), rehearsal.arguments.end());
  const Interrupts interrupts;  // from before there is something to end
  const auto begin = Clock::now();
  const Result<int64_t> pid = spawn(options);
  if (!pid.ok()) {
    return Status(pid.status().code(),
                  "cannot start \"" + rehearsal.python + "\" (" + pid.status().message() +
                      "); activate the environment that has torch and moai, or give --python");
  }
  const Result<int> waited = wait_for_child(*pid, rehearsal.seconds_max);
  if (waited.status().code() == Code::kDeadlineExceeded) return too_long(rehearsal);
  if (waited.status().code() == Code::kCancelled) {
    return cancelled("interrupted; the script was ended");
  }
  if (!waited.ok()) return waited.status();
  const int status = *waited;
  const std::chrono::duration<double> taken = Clock::now() - begin;
  const std::vector<std::string> log = lines_of(log_path);
  for (const std::string& line : log) {
    if (line.starts_with("[warning]")) terminal.err << line << '\n';
  }
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
    return failed_precondition("the script " + how_it_ended(status) + "; " + last_lines(log));
  }
  const auto text = read_file(recording);
  if (!text.ok()) {
    return failed_precondition("the script did not use the device: \"" + rehearsal.python +
                               "\" needs torch and the moai package, and the script device "
                               "\"cuda\"; " +
                               last_lines(log));
  }
  MOAI_ASSIGN_OR_RETURN(graph::Recording parsed, graph::parse_recording(*text, signatures));
  return Rehearsed{std::move(parsed), taken.count()};
}

}  // namespace moai::toolkit
