#include "moai/toolkit/child_process.h"

#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <sstream>

#include "moai/base/file.h"

namespace moai::toolkit {
namespace {

using Clock = std::chrono::steady_clock;

constexpr useconds_t kLookEvery_us = 5'000;
constexpr size_t kLinesShown = 3;

volatile sig_atomic_t g_interrupt = 0;

}  // namespace

Interrupts::Interrupts() {
  g_interrupt = 0;
  struct sigaction note{};
  note.sa_handler = [](int number) { g_interrupt = number; };
  ::sigaction(SIGINT, &note, &before_[0]);
  ::sigaction(SIGTERM, &note, &before_[1]);
}

Interrupts::~Interrupts() {
  ::sigaction(SIGINT, &before_[0], nullptr);
  ::sigaction(SIGTERM, &before_[1], nullptr);
}

Result<ScratchFolder> ScratchFolder::make(const std::string& purpose) {
  std::string name = "/tmp/moai-" + purpose + "-XXXXXX";
  if (!::mkdtemp(name.data())) {
    return unavailable(std::string("cannot make a folder in /tmp: ") + std::strerror(errno));
  }
  return ScratchFolder(std::move(name));
}

ScratchFolder::~ScratchFolder() {
  std::error_code ignored;  // what is left in /tmp harms nobody
  if (!path_.empty()) std::filesystem::remove_all(path_, ignored);
}

std::vector<std::string> lines_of(const std::string& path) {
  std::vector<std::string> lines;
  const auto text = read_file(path);
  if (!text.ok()) return lines;
  std::istringstream in(*text);
  for (std::string line; std::getline(in, line);) lines.push_back(std::move(line));
  return lines;
}

Result<int> wait_for_child(int64_t pid, int seconds_max, const std::function<void()>& look) {
  const auto deadline = Clock::now() + std::chrono::seconds(seconds_max);
  for (;;) {
    int status = 0;
    const pid_t done = ::waitpid(static_cast<pid_t>(pid), &status, WNOHANG);
    if (done == static_cast<pid_t>(pid)) return status;
    if (done < 0 && errno != EINTR) return unavailable("lost the process that was started");
    if (look) look();
    const bool late = Clock::now() > deadline;
    if (!late && !g_interrupt) {
      ::usleep(kLookEvery_us);
      continue;
    }
    ::kill(-static_cast<pid_t>(pid), SIGKILL);
    while (::waitpid(static_cast<pid_t>(pid), &status, 0) < 0 && errno == EINTR) continue;
    if (!late) return cancelled("interrupted; what was started has been ended");
    return deadline_exceeded("not done after " + std::to_string(seconds_max) +
                             " s, and it was ended");
  }
}

std::string how_it_ended(int status) {
  if (WIFSIGNALED(status)) return "ended by signal " + std::to_string(WTERMSIG(status));
  return "ended with code " + std::to_string(WEXITSTATUS(status));
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

}  // namespace moai::toolkit
