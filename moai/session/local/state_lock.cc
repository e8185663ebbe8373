#include "moai/session/local/state_lock.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/file.h>

#include <cerrno>
#include <cstring>

namespace moai::session {

Result<Fd> lock_state(const std::string& state_dir, const Wait& wait) {
  const std::string path = state_dir + "/lock";
  Fd file(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!file.valid()) {
    return unavailable("[session.local] cannot open " + path + ": " + std::strerror(errno));
  }
  while (::flock(file.get(), LOCK_EX | LOCK_NB) != 0) {
    if (wait.over()) {
      return deadline_exceeded(
          "[session.local] another process is starting the local platform of " + state_dir +
          " and does not come to an end");
    }
    ::poll(nullptr, 0, 10);
  }
  return file;
}

}  // namespace moai::session
