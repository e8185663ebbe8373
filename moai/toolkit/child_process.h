// A program that a command starts, waits for and ends: at an interrupt, and when it takes too long.
#pragma once

#include <csignal>
#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "moai/base/status.h"

namespace moai::toolkit {

// While it lives an interrupt is only noted. One at a time.
class Interrupts {
 public:
  Interrupts();
  ~Interrupts();
  Interrupts(const Interrupts&) = delete;
  Interrupts& operator=(const Interrupts&) = delete;

 private:
  struct sigaction before_[2]{};
};

// A folder in /tmp that goes with it.
class ScratchFolder {
 public:
  static Result<ScratchFolder> make(const std::string& purpose);
  ScratchFolder(ScratchFolder&& other) noexcept : path_(std::exchange(other.path_, {})) {}
  ScratchFolder& operator=(ScratchFolder&&) = delete;
  ~ScratchFolder();
  std::string file(const char* name) const { return path_ + "/" + name; }

 private:
  explicit ScratchFolder(std::string path) : path_(std::move(path)) {}
  std::string path_;
};

std::vector<std::string> lines_of(const std::string& path);

// Status of waitpid of a child that leads a process group, which ends at the deadline
// (DEADLINE_EXCEEDED) and at an interrupt (CANCELLED). Needs an Interrupts that lives.
// `look` is called every few milliseconds meanwhile.
Result<int> wait_for_child(int64_t pid, int seconds_max, const std::function<void()>& look = {});
// "ended with code 1".
std::string how_it_ended(int status);
// The last lines of what it printed, for an error.
std::string last_lines(const std::vector<std::string>& log);

}  // namespace moai::toolkit
