#include "moai/compiler/conformance/mutants/in_child.h"

#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <string>

namespace moai::compiler {
namespace {

constexpr int kNo = 0, kYes = 1;

// The kernel keeps the time, so that a child which hangs in any library ends.
[[noreturn]] void answer(const std::function<bool()>& question, std::chrono::seconds deadline) {
  constexpr rlimit kNoCore{};
  ::setrlimit(RLIMIT_CORE, &kNoCore);
  std::signal(SIGALRM, SIG_DFL);
  ::alarm(static_cast<unsigned>(deadline.count()));
  std::_Exit(question() ? kYes : kNo);
}

}  // namespace

Result<std::optional<bool>> answer_in_child(const std::function<bool()>& question,
                                            std::chrono::seconds deadline) {
  const pid_t pid = ::fork();
  if (pid < 0) return unavailable("[compiler.conformance] cannot start a process");
  if (pid == 0) answer(question, deadline);
  int how = 0;
  if (::waitpid(pid, &how, 0) != pid) {
    return unavailable("[compiler.conformance] a process was lost");
  }
  if (WIFEXITED(how)) return std::optional<bool>(WEXITSTATUS(how) == kYes);
  if (WTERMSIG(how) != SIGALRM) return std::optional<bool>();
  return deadline_exceeded("[compiler.conformance] no answer within " +
                           std::to_string(deadline.count()) + " s");
}

}  // namespace moai::compiler
