#include "moai/apps/measure/forked_ranks.h"

#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <vector>

namespace moai::apps {

Status run_forked_ranks(int ranks, const std::function<Status(int rank)>& run) {
  std::vector<pid_t> others;
  for (int rank = 1; rank < ranks; ++rank) {
    const pid_t pid = ::fork();
    if (pid < 0) return unavailable("[apps.measure] cannot start a process");
    if (pid > 0) {
      others.push_back(pid);
      continue;
    }
    const Status status = run(rank);
    if (!status.ok()) std::fprintf(stderr, "rank %d: %s\n", rank, status.message().c_str());
    std::_Exit(status.ok() ? 0 : 1);
  }
  const Status status = run(0);
  bool right = true;
  for (const pid_t pid : others) {
    int how = 0;
    right &= ::waitpid(pid, &how, 0) == pid && how == 0;
  }
  MOAI_RETURN_IF_ERROR(status);
  return right ? ok_status()
               : unavailable("[apps.measure] a rank failed; its message stands above");
}

}  // namespace moai::apps
