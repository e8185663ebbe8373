#include "moai/toolkit/plan/rehearse.h"

#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <ostream>
#include <sstream>

#include "moai/base/file.h"
#include "moai/base/process.h"

namespace moai::toolkit {
namespace {

using Clock = std::chrono::steady_clock;

constexpr useconds_t kLookEvery_us = 5'000;
constexpr size_t kLinesShown = 3;
// Nothing is allocated; what one device has must not end a script that is planned for many.
constexpr const char* kEnoughMemory = "16777216GiB";

volatile sig_atomic_t g_interrupt = 0;

// While it lives an interrupt is only noted.
class Interrupts {
 public:
  Interrupts() {
    g_interrupt = 0;
    struct sigaction note{};
    note.sa_handler = [](int number) { g_interrupt = number; };
    ::sigaction(SIGINT, &note, &before_[0]);
    ::sigaction(SIGTERM, &note, &before_[1]);
  }
  ~Interrupts() {
    ::sigaction(SIGINT, &before_[0], nullptr);
    ::sigaction(SIGTERM, &before_[1], nullptr);
  }
  Interrupts(const Interrupts&) = delete;
  Interrupts& operator=(const Interrupts&) = delete;

 private:
  struct sigaction before_[2]{};
};

// A folder that goes with it.
class Folder {
 public:
  static Result<Folder> make() {
    const char* base = "/tmp";
    std::string name = std::string(base) + "/moai-plan-XXXXXX";
    if (!::mkdtemp(name.data())) {
      return unavailable("cannot make a folder in " + std::string(base) + ": " +
                         std::strerror(errno));
    }
    return Folder(std::move(name));
  }
  Folder(Folder&& other) noexcept : path_(std::exchange(other.path_, {})) {}
  Folder& operator=(Folder&&) = delete;
  ~Folder() {
    std::error_code ignored;  // what is left in /tmp harms nobody
    if (!path_.empty()) std::filesystem::remove_all(path_, ignored);
  }
  std::string file(const char* name) const { return path_ + "/" + name; }

 private:
  explicit Folder(std::string path) : path_(std::move(path)) {}
  std::string path_;
};

std::vector<std::string> lines_of(const std::string& path) {
  std::vector<std::string> lines;
  const auto text = read_file(path);
  if (!text.ok()) return lines;
  std::istringstream in(*text);
  for (std::string line; std::getline(in, line);) lines.push_back(std::move(line));
  return lines;
}

std::string last_lines(const std::vector<std::string>& log) {
  std::string text;
  size_t shown = 0;
  for (size_t i = log.size(); i > 0 && shown < kLinesShown; --i) {
    if (log[i - 1].empty()) continue;
    text = log[i - 1] + (text.empty() ? "" : " | ") + text;
    ++shown;
  }
  return text.empty() ? "it printed nothing" : "it ended with: " + text;
}

// Status of waitpid; ends the script's process group at the deadline and at an interrupt.
Result<int> wait_for(int64_t pid, const Rehearsal& rehearsal) {
  const auto deadline = Clock::now() + std::chrono::seconds(rehearsal.seconds_max);
  for (;;) {
    int status = 0;
    const pid_t done = ::waitpid(static_cast<pid_t>(pid), &status, WNOHANG);
    if (done == static_cast<pid_t>(pid)) return status;
    if (done < 0 && errno != EINTR) return unavailable("lost the script's process");
    const bool late = Clock::now() > deadline;
    if (!late && !g_interrupt) {
      ::usleep(kLookEvery_us);
      continue;
    }
    ::kill(-static_cast<pid_t>(pid), SIGKILL);
    while (::waitpid(static_cast<pid_t>(pid), &status, 0) < 0 && errno == EINTR) continue;
    if (!late) return cancelled("interrupted; the script was ended");
    return deadline_exceeded("the script had not trained " + std::to_string(rehearsal.steps) +
                             " steps after " + std::to_string(rehearsal.seconds_max) +
                             " s and was ended; give it less to do, or --timeout more");
  }
}

std::string how_it_ended(int status) {
  if (WIFSIGNALED(status)) return "ended by signal " + std::to_string(WTERMSIG(status));
  return "ended with code " + std::to_string(WEXITSTATUS(status));
}

}  // namespace

Result<Rehearsed> rehearse(const Rehearsal& rehearsal, graph::SignatureTable* signatures,
                           Terminal& terminal) {
  const std::string& script = rehearsal.arguments[0];
  struct stat found{};
  if (::stat(script.c_str(), &found) != 0 || S_ISDIR(found.st_mode)) {
    return not_found("there is no script \"" + script + "\"");
  }
  MOAI_ASSIGN_OR_RETURN(const Folder folder, Folder::make());
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
  MOAI_ASSIGN_OR_RETURN(const int status, wait_for(*pid, rehearsal));
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
