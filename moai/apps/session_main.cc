// moai-session: the holder of one script's session. Started by the driver, not by people.
#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

#include "moai/base/log.h"
#include "moai/base/process.h"
#include "moai/session/serve.h"

namespace moai {
namespace {

constexpr char kHelp[] = R"(Holder: keeps one script's session with SDAManager alive.
Usage: moai-session --fd N [--pidfd M] [--pid P] [--stay]

  --fd N      stream socket to the driver (moai/session/wire.h); its end: the script is gone
  --pidfd M   pidfd of the script
  --pid P     pid of the script, where the driver has no pidfd
  --stay      do not detach: neither a session of its own nor stderr closed; for finding faults
  --version   print the version
  --help      print this text

The program detaches itself: the process that was started ends at once with code 0 and can be waited
for, its child goes on until the script is gone.

Examples:
  moai-session --fd 3 --pidfd 4
  moai-session --fd 3 --pid 4711 --stay
)";

struct Flags {
  int fd = -1;
  int pidfd = -1;
  int64_t pid = 0;
  bool stay = false;
};

bool parse_number(const char* text, int64_t* number) {
  if (!text) return false;
  char* end = nullptr;
  errno = 0;
  *number = std::strtoll(text, &end, 10);
  return errno == 0 && end != text && *end == '\0' && *number >= 0 && *number <= INT32_MAX;
}

bool parse(int argc, char** argv, Flags* flags) {
  for (int i = 1; i < argc; ++i) {
    const std::string flag = argv[i];
    int64_t number = 0;
    if (flag == "--stay") {
      flags->stay = true;
      continue;
    }
    if (!parse_number(i + 1 < argc ? argv[++i] : nullptr, &number)) return false;
    if (flag == "--fd") {
      flags->fd = static_cast<int>(number);
    } else if (flag == "--pidfd") {
      flags->pidfd = static_cast<int>(number);
    } else if (flag == "--pid") {
      flags->pid = number;
    } else {
      return false;
    }
  }
  return flags->fd >= 0;
}

// Moves what was given to 3 and 4 and closes what else the script had open.
session::ServeOptions keep_descriptors(const Flags& flags) {
  const int driver = ::fcntl(flags.fd, F_DUPFD, 5);
  const int script = flags.pidfd >= 0 ? ::fcntl(flags.pidfd, F_DUPFD, 5) : -1;
  session::ServeOptions options;
  if (driver >= 0) options.driver = Fd(::dup3(driver, 3, O_CLOEXEC));
  if (script >= 0) options.script = Fd(::dup3(script, 4, O_CLOEXEC));
  const int first = options.script.valid() ? 5 : 4;
#ifdef SYS_close_range
  if (::syscall(SYS_close_range, first, ~0u, 0) == 0) return options;
#endif
  for (int fd = first; fd < ::sysconf(_SC_OPEN_MAX); ++fd) ::close(fd);
  return options;
}

// The script's wait() must not see this process, nor its terminal's signals reach it, and nobody
// who reads the script's output must wait for it.
void detach() {
  const pid_t child = ::fork();
  if (child < 0) std::_Exit(1);
  if (child > 0) std::_Exit(0);
  ::setsid();  // fails harmlessly where the driver did it
  const int null = ::open("/dev/null", O_RDWR);
  for (int fd = 0; fd < 3; ++fd) ::dup2(null, fd);
  if (null > 2) ::close(null);
  if (::chdir("/") != 0) set_log_level(LogLevel::kOff);
}

bool is_socket(int fd) {
  int type = 0;
  socklen_t size = sizeof type;
  return ::getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) == 0 && type == SOCK_STREAM;
}

int run(const Flags& flags) {
  if (!is_socket(flags.fd)) {
    std::fprintf(stderr, "moai-session: --fd %d is no stream socket\n", flags.fd);
    return 2;
  }
  for (int signal : {SIGHUP, SIGINT, SIGQUIT, SIGPIPE}) ::signal(signal, SIG_IGN);
  if (!flags.stay) detach();
  session::ServeOptions options = keep_descriptors(flags);
  options.version = MOAI_VERSION;
  if (!options.script.valid() && flags.pid) {
    if (auto pidfd = open_pidfd(flags.pid); pidfd.ok()) options.script = std::move(*pidfd);
  }
  session::serve(std::move(options));
  return 0;
}

}  // namespace
}  // namespace moai

int main(int argc, char** argv) {
  if (argc == 2 && std::strcmp(argv[1], "--version") == 0) {
    std::printf("%s\n", MOAI_VERSION);
    return 0;
  }
  if (argc == 2 && std::strcmp(argv[1], "--help") == 0) {
    std::fputs(moai::kHelp, stdout);
    return 0;
  }
  moai::Flags flags;
  if (moai::parse(argc, argv, &flags)) return moai::run(flags);
  std::fputs(moai::kHelp, stderr);
  return 2;
}
