#include "moai/base/process.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <cerrno>
#include <climits>
#include <cstring>
#include <ctime>
#include <fstream>
#include <sstream>

extern char** environ;

namespace moai {
namespace {

// What the child does between fork and exec is prepared before, since it may not allocate there.
struct Prepared {
  std::vector<char*> argv;
  std::vector<std::string> assignments;
  std::vector<char*> environment;
  std::vector<int> fds;
  const char* log_path = nullptr;
  int log_flags = 0;
  bool detach = false;
  bool pin = false;
  cpu_set_t cpus;
  uint64_t data_bytes_max = 0;
  int report = -1;  // receives a Report
};

struct Report {
  int64_t pid = 0;  // of the program, when detached
  int error = 0;
};

constexpr int kFirstPassed = 3;

bool replaced(const char* assignment, const SpawnOptions& options) {
  for (const auto& [name, value] : options.environment) {
    if (std::strncmp(assignment, name.c_str(), name.size()) == 0 && assignment[name.size()] == '=')
      return true;
  }
  return false;
}

Prepared prepare(const SpawnOptions& options) {
  Prepared p;
  for (const std::string& word : options.argv) p.argv.push_back(const_cast<char*>(word.c_str()));
  p.argv.push_back(nullptr);
  for (const auto& [name, value] : options.environment) {
    p.assignments.push_back(name + "=" + value);
  }
  for (char** at = environ; *at; ++at) {
    if (!replaced(*at, options)) p.environment.push_back(*at);
  }
  for (std::string& assignment : p.assignments) p.environment.push_back(assignment.data());
  p.environment.push_back(nullptr);
  p.fds = options.fds;
  if (!options.log_path.empty()) p.log_path = options.log_path.c_str();
  p.log_flags = O_WRONLY | O_CREAT | O_APPEND | (options.truncate_log ? O_TRUNC : 0);
  p.detach = options.detach;
  p.pin = !options.cpus.empty();
  CPU_ZERO(&p.cpus);
  for (int cpu : options.cpus) CPU_SET(cpu, &p.cpus);
  p.data_bytes_max = options.data_bytes_max;
  return p;
}

[[noreturn]] void fail(const Prepared& p, int error) {
  const Report report{0, error};
  const ssize_t n = ::write(p.report, &report, sizeof report);
  ::_exit(n == sizeof report ? 127 : 126);
}

// Moves the passed descriptors to 3, 4, … and the report pipe behind them; closes the rest.
void arrange_descriptors(Prepared& p) {
  const int count = static_cast<int>(p.fds.size());
  const int spare = kFirstPassed + count + 1;
  for (int& fd : p.fds) fd = ::fcntl(fd, F_DUPFD, spare);
  const int report = ::fcntl(p.report, F_DUPFD_CLOEXEC, spare);
  for (int i = 0; i < count; ++i) {
    if (p.fds[i] < 0 || ::dup2(p.fds[i], kFirstPassed + i) < 0) fail(p, errno);
  }
  if (::dup3(report, kFirstPassed + count, O_CLOEXEC) < 0) fail(p, errno);
  p.report = kFirstPassed + count;
#ifdef SYS_close_range
  if (::syscall(SYS_close_range, spare, ~0u, 0) == 0) return;
#endif
  const long last = ::sysconf(_SC_OPEN_MAX);
  for (int fd = spare; fd < last; ++fd) ::close(fd);
}

void redirect(const Prepared& p) {
  const int null = ::open("/dev/null", O_RDWR);
  if (null < 0 || ::dup2(null, 0) < 0) fail(p, errno);
  if (!p.log_path) return;
  const int log = ::open(p.log_path, p.log_flags, 0600);
  if (log < 0 || ::dup2(log, 1) < 0 || ::dup2(log, 2) < 0) fail(p, errno);
}

void default_signals() {
  for (int signal : {SIGHUP, SIGINT, SIGQUIT, SIGPIPE, SIGTERM, SIGCHLD, SIGUSR1, SIGUSR2}) {
    ::signal(signal, SIG_DFL);
  }
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
}

[[noreturn]] void run_child(Prepared& p) {
  if (::setsid() < 0) fail(p, errno);
  if (p.detach) {
    const pid_t program = ::fork();
    if (program < 0) fail(p, errno);
    if (program > 0) {
      const Report report{program, 0};
      ::_exit(::write(p.report, &report, sizeof report) == sizeof report ? 0 : 126);
    }
    if (::setsid() < 0) fail(p, errno);
  }
  default_signals();
  redirect(p);
  if (p.pin && ::sched_setaffinity(0, sizeof p.cpus, &p.cpus) != 0) fail(p, errno);
  if (p.data_bytes_max) {
    const rlimit limit{p.data_bytes_max, p.data_bytes_max};
    if (::setrlimit(RLIMIT_DATA, &limit) != 0) fail(p, errno);
  }
  arrange_descriptors(p);
  ::execvpe(p.argv[0], p.argv.data(), p.environment.data());
  fail(p, errno);
}

// Reads reports until the pipe closes, which exec does.
Report read_reports(int fd) {
  Report all, one;
  while (true) {
    const ssize_t n = ::read(fd, &one, sizeof one);
    if (n < 0 && errno == EINTR) continue;
    if (n != sizeof one) return all;
    if (one.pid) all.pid = one.pid;
    if (one.error) all.error = one.error;
  }
}

// The fields of /proc/PID/stat after the command's closing parenthesis: state is [0], ppid [1], …
std::vector<std::string> stat_fields(int64_t pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
  std::string text((std::istreambuf_iterator<char>(file)), {});
  const size_t close = text.rfind(')');
  if (close == std::string::npos) return {};
  std::istringstream rest(text.substr(close + 1));
  std::vector<std::string> fields;
  for (std::string field; rest >> field;) fields.push_back(field);
  return fields;
}

constexpr size_t kState = 0, kParent = 1, kUserTicks = 11, kSystemTicks = 12, kStartTicks = 19;

}  // namespace

std::optional<ProcessId> process_id(int64_t pid) {
  if (pid <= 0) return std::nullopt;
  const auto fields = stat_fields(pid);
  if (fields.size() <= kStartTicks) return std::nullopt;
  if (fields[kState] == "Z" || fields[kState] == "X") return std::nullopt;
  return ProcessId{pid, std::strtoull(fields[kStartTicks].c_str(), nullptr, 10)};
}

bool is_alive(const ProcessId& process) {
  const auto now = process_id(process.pid);
  return now && *now == process;
}

std::vector<int64_t> ancestors(int64_t pid) {
  constexpr size_t kDepthMax = 256;  // the chain may change while it is read
  std::vector<int64_t> found;
  while (found.size() < kDepthMax) {
    const auto fields = stat_fields(pid);
    if (fields.size() <= kParent) break;
    pid = std::strtoll(fields[kParent].c_str(), nullptr, 10);
    if (pid <= 1) break;
    found.push_back(pid);
  }
  return found;
}

uint64_t cpu_time_ns(int64_t pid) {
  const auto fields = stat_fields(pid);
  if (fields.size() <= kSystemTicks) return 0;
  const uint64_t ticks = std::strtoull(fields[kUserTicks].c_str(), nullptr, 10) +
                         std::strtoull(fields[kSystemTicks].c_str(), nullptr, 10);
  return ticks * (1'000'000'000ull / static_cast<uint64_t>(::sysconf(_SC_CLK_TCK)));
}

uint64_t resident_bytes(int64_t pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/statm");
  uint64_t total = 0, resident = 0;
  if (!(file >> total >> resident)) return 0;
  return resident * static_cast<uint64_t>(::sysconf(_SC_PAGESIZE));
}

Result<Fd> open_pidfd(int64_t pid) {
#ifdef SYS_pidfd_open
  const int fd = static_cast<int>(::syscall(SYS_pidfd_open, static_cast<pid_t>(pid), 0));
  if (fd >= 0) return Fd(fd);
  if (errno == ESRCH) return not_found("[base.process] no such process: " + std::to_string(pid));
#endif
  return unimplemented("[base.process] no pidfd for " + std::to_string(pid) + ": " +
                       std::strerror(errno));
}

Result<int64_t> spawn(const SpawnOptions& options) {
  if (options.argv.empty()) return invalid_argument("[base.process] no program to start");
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) {
    return resource_exhausted(std::string("[base.process] no pipe: ") + std::strerror(errno));
  }
  Fd reader(ends[0]), writer(ends[1]);
  Prepared prepared = prepare(options);
  prepared.report = writer.get();
  const pid_t child = ::fork();
  if (child < 0) {
    return resource_exhausted(std::string("[base.process] cannot fork: ") + std::strerror(errno));
  }
  if (child == 0) run_child(prepared);
  writer.reset();
  const Report report = read_reports(reader.get());
  if (report.error || options.detach) {
    while (::waitpid(child, nullptr, 0) < 0 && errno == EINTR) {
    }
  }
  if (report.error) {
    return not_found("[base.process] cannot start " + options.argv[0] + ": " +
                     std::strerror(report.error));
  }
  return options.detach ? report.pid : static_cast<int64_t>(child);
}

std::string program_directory() {
  char path[PATH_MAX];
  const ssize_t n = ::readlink("/proc/self/exe", path, sizeof path);
  if (n <= 0) return ".";
  const std::string text(path, static_cast<size_t>(n));
  return text.substr(0, text.rfind('/'));
}

int64_t boot_time_ms() {
  timespec now = {};
  ::clock_gettime(CLOCK_BOOTTIME, &now);
  return int64_t{now.tv_sec} * 1000 + now.tv_nsec / 1'000'000;
}

std::string boot_id() {
  std::ifstream file("/proc/sys/kernel/random/boot_id");
  std::string id;
  std::getline(file, id);
  return id;
}

std::string shared_memory_id() {
  struct stat memory = {}, pids = {};
  if (::stat("/dev/shm", &memory) != 0 || ::stat("/proc/self/ns/pid", &pids) != 0) return {};
  return boot_id() + "/" + std::to_string(memory.st_dev) + "." + std::to_string(memory.st_ino) +
         "/" + std::to_string(pids.st_ino);
}

}  // namespace moai
