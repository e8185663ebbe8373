#include "moai/session/local/local_platform.h"

#include <poll.h>
#include <signal.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <thread>

#include "moai/base/file.h"
#include "moai/session/local/daemon.h"
#include "moai/session/local/state_lock.h"

namespace moai::session {
namespace {

constexpr int64_t kEndMs = 3'000;  // a process that ends by itself, before it is told to
constexpr int kComeBackS = 15;     // for holders to find the successor of a master that crashed
constexpr size_t kSocketPathMax = 107;

Status make_private(const std::string& path) {
  for (size_t slash = path.find('/', 1); slash != std::string::npos;
       slash = path.find('/', slash + 1)) {
    ::mkdir(path.substr(0, slash).c_str(), 0755);  // parents; the last mkdir will tell
  }
  if (::mkdir(path.c_str(), 0700) != 0 && errno != EEXIST) {
    return unavailable("[session.local] cannot make the directory " + path + ": " +
                       std::strerror(errno) + "; set MOAI_STATE_DIR to another");
  }
  struct stat info = {};
  if (::stat(path.c_str(), &info) != 0 || info.st_uid != ::geteuid()) {
    return permission_denied("[session.local] not a directory of this user: " + path +
                             "; set MOAI_STATE_DIR to another");
  }
  if ((info.st_mode & 077) && ::chmod(path.c_str(), 0700) != 0) {
    return permission_denied("[session.local] others can enter " + path);
  }
  return ok_status();
}

// Where Workers' sockets have room for their names.
std::string socket_dir(const std::string& state_dir) {
  const std::string inside = state_dir + "/agent";
  if (inside.size() + sizeof "/w1023-18446744073709551615.sock" <= kSocketPathMax) return inside;
  return "/tmp/moai-" + std::to_string(::geteuid()) + "-" +
         std::to_string(std::hash<std::string>()(state_dir));
}

// Changes with the programs.
std::string build_of(const std::string& program_dir) {
  std::string build;
  for (const char* name : {"moai-master", "moai-agent", "moai-worker"}) {
    struct stat info = {};
    if (::stat((program_dir + "/" + name).c_str(), &info) != 0) continue;
    build += std::to_string(info.st_size) + "@" + std::to_string(info.st_mtim.tv_sec) + "." +
             std::to_string(info.st_mtim.tv_nsec) + " ";
  }
  return build;
}

class Starter {
 public:
  Starter(const LocalOptions& options, const LocalCall& call)
      : options_(options),
        call_(call),
        build_(build_of(options.program_dir)),
        wait_{boot_time_ms() + options.start_ms_max, call.stop} {}

  Result<LocalPlatform> ensure() {
    MOAI_RETURN_IF_ERROR(make_private(options_.state_dir));
    MOAI_ASSIGN_OR_RETURN(const Fd lock, lock_state(options_.state_dir, wait_));
    const auto known = read_platform(options_.state_dir);
    if (!known && call_.comes_back) {
      return aborted("The local platform was stopped by \"moai down\", and this job with it.");
    }
    platform_ = known.value_or(LocalPlatform{});
    bool master_good = is_alive(platform_.master) && call_.probe.master_answers(platform_);
    const bool replaced = master_good && may_be_replaced();
    if (master_good && is_alive(platform_.agent) && !replaced) return platform_;
    if (replaced) {
      call_.say("The local platform is of another build and idle; it is replaced");
      MOAI_RETURN_IF_ERROR(end_process(platform_.master, 0, wait_));
      MOAI_RETURN_IF_ERROR(end_process(platform_.agent, 0, wait_));
      master_good = false;
    }
    call_.say("Starting a local platform (" + std::to_string(options_.devices) +
              (options_.probe == "simulated" ? " simulated" : "") +
              (options_.devices == 1 ? " device; " : " devices; ") + ending() + ")");
    // Its Workers live on and are adopted by the agent to come.
    MOAI_RETURN_IF_ERROR(kill_process(platform_.agent, wait_));
    if (!master_good) {
      MOAI_RETURN_IF_ERROR(end_process(platform_.master, kEndMs, wait_));
      MOAI_RETURN_IF_ERROR(start_master(known && !replaced ? kComeBackS : 0));
    }
    MOAI_RETURN_IF_ERROR(start_agent());
    MOAI_RETURN_IF_ERROR(note());
    return platform_;
  }

 private:
  std::string ending() const {
    if (options_.idle_exit_s == 0) return "runs until it is stopped";
    return "ends by itself after " + std::to_string(options_.idle_exit_s) + " s idle";
  }
  std::string in_state(const std::string& name) const { return options_.state_dir + "/" + name; }
  std::string program(const std::string& name) const { return options_.program_dir + "/" + name; }

  // Of another build, which may speak another protocol, and in nobody's way.
  bool may_be_replaced() const {
    return platform_.build != build_ && !call_.comes_back && call_.probe.is_idle(platform_);
  }

  // At once after each start, so that whoever comes after our death finds what runs.
  Status note() const { return write_platform(options_.state_dir, platform_); }
  Status start_master(int restart_grace_s);
  Status start_agent();
  Status failed(const std::string& name, const Status& status) const {
    return Status(status.code(), "The local platform cannot be started: " + name + " " +
                                     status.message() + "; see " + in_state(name + ".log"));
  }

  const LocalOptions& options_;
  const LocalCall& call_;
  const std::string build_;
  Wait wait_;
  LocalPlatform platform_;
};

Status Starter::start_master(int restart_grace_s) {
  const std::string address_file = in_state("master.address");
  ::unlink(address_file.c_str());
  platform_ = {};
  platform_.ca_path = in_state("master/ca.pem");
  platform_.token_path = in_state("token");
  platform_.idle_exit_s = options_.idle_exit_s;
  platform_.build = build_;
  std::vector<std::string> argv = {
      program("moai-master"),
      "--listen",
      "127.0.0.1:0",
      "--address-file",
      address_file,
      "--state",
      in_state("master"),
      "--bootstrap-token",
      platform_.token_path,
      "--flavor-devices-max",
      std::to_string(options_.job_devices ? options_.job_devices : options_.devices),
      "--idle-exit",
      std::to_string(options_.idle_exit_s),
      "--restart-grace",
      std::to_string(restart_grace_s)};
  if (!options_.flavors.empty()) argv.insert(argv.end(), {"--flavors", options_.flavors});
  const auto process = start_daemon(argv, in_state("moai-master.log"));
  if (!process.ok()) return failed("moai-master", process.status());
  platform_.master = *process;
  MOAI_RETURN_IF_ERROR(note());
  const Status status = await(platform_.master, wait_, [&] {
    const auto address = read_file(address_file);
    if (!address.ok() || address->empty() || address->back() != '\n') return false;
    platform_.address = address->substr(0, address->size() - 1);
    return call_.probe.master_answers(platform_);
  });
  if (status.ok()) return status;
  kill_process(platform_.master, wait_).ignore("the error before is what counts");
  return failed("moai-master", status);
}

Status Starter::start_agent() {
  platform_.devices = options_.devices;
  platform_.memory_bytes = options_.memory_bytes;
  const uint32_t threads =
      options_.threads ? options_.threads : std::max(1u, std::thread::hardware_concurrency());
  std::vector<std::string> argv = {program("moai-agent"),
                                   "--master",
                                   platform_.address,
                                   "--ca",
                                   platform_.ca_path,
                                   "--certificate",
                                   in_state("master/agent.pem"),
                                   "--key",
                                   in_state("master/agent.key"),
                                   "--name",
                                   "local",
                                   "--host",
                                   "localhost",
                                   "--state",
                                   in_state("agent"),
                                   "--socket-dir",
                                   socket_dir(options_.state_dir),
                                   "--listen",
                                   "unix",
                                   "--probe",
                                   options_.probe,
                                   "--devices",
                                   std::to_string(options_.devices),
                                   "--memory",
                                   std::to_string(options_.memory_bytes),
                                   "--threads",
                                   std::to_string(threads),
                                   "--worker",
                                   program("moai-worker"),
                                   "--exit-with-master",
                                   std::to_string(platform_.master.pid),
                                   "--log-time"};
  if (!options_.compile_python.empty()) {
    argv.insert(argv.end(), {"--compile-python", options_.compile_python});
  }
  const auto process = start_daemon(argv, in_state("moai-agent.log"));
  if (!process.ok()) return failed("moai-agent", process.status());
  platform_.agent = *process;
  MOAI_RETURN_IF_ERROR(note());
  const Status status =
      await(platform_.agent, wait_, [&] { return call_.probe.agent_is_registered(platform_); });
  return status.ok() ? status : failed("moai-agent", status);
}

}  // namespace

Result<LocalPlatform> ensure_platform(const LocalOptions& options, const LocalCall& call) {
  return Starter(options, call).ensure();
}

std::optional<LocalStatus> platform_status(const std::string& state_dir) {
  const auto platform = read_platform(state_dir);
  if (!platform) return std::nullopt;
  return LocalStatus{*platform, is_alive(platform->master), is_alive(platform->agent)};
}

Status stop_platform(const std::string& state_dir, int64_t deadline_ms) {
  if (!read_platform(state_dir)) return ok_status();
  const Wait wait{boot_time_ms() + deadline_ms, nullptr};
  MOAI_ASSIGN_OR_RETURN(const Fd lock, lock_state(state_dir, wait));
  const auto platform = read_platform(state_dir);
  if (!platform) return ok_status();
  // The master first: it would tell scripts that their Workers have died. Their holders come to the
  // lock and learn what really happened.
  MOAI_RETURN_IF_ERROR(end_process(platform->master, 0, wait));
  MOAI_RETURN_IF_ERROR(end_process(platform->agent, 0, wait));
  return remove_platform(state_dir);
}

}  // namespace moai::session
