#include "moai/agent/spawn/process_host.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <map>

#include "moai/agent/spawn/evidence.h"

namespace moai::agent {
namespace {

constexpr int64_t kWatchMs = 200;         // between looks at a process without pidfd
constexpr size_t kAddressBytesMax = 512;  // of the line a Worker writes
constexpr size_t kSocketPathMax = 107;    // sun_path less its end

struct Pipe {
  Fd read, write;
};

Result<Pipe> make_pipe() {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) {
    return resource_exhausted(std::string("[agent.spawn] no pipe: ") + std::strerror(errno));
  }
  return Pipe{Fd(ends[0]), Fd(ends[1])};
}

// Not a pipe: writing to a Worker that has ended must not raise SIGPIPE.
Result<Pipe> make_socket() {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) {
    return resource_exhausted(std::string("[agent.spawn] no socket: ") + std::strerror(errno));
  }
  return Pipe{Fd(ends[0]), Fd(ends[1])};
}

struct Worker {
  RunningProcess running;
  Fd pidfd;  // not valid on old kernels
  Fd ready;
  Fd peers;          // valid while it is to be told its peers
  std::string line;  // read from `ready` so far
  bool child = false;
  std::string stop_why;
  int64_t ready_by_ms = 0;  // 0: it is ready
  int64_t kill_at_ms = 0;   // 0: not asked to end
  int64_t watch_at_ms = 0;
};

class ProcessHost : public WorkerHost {
 public:
  explicit ProcessHost(ProcessHostOptions options) : options_(std::move(options)) {}

  Result<ProcessId> start(const WorkerOrder& order, int64_t now_ms) override;
  Status adopt(const RunningProcess& worker) override;
  void stop(uint32_t device, const std::string& why, int64_t now_ms) override;
  Status introduce(uint32_t device, const std::vector<identity::Peer>& peers) override;

  std::optional<RunningProcess> on_device(uint32_t device) const override {
    const auto at = workers_.find(device);
    if (at == workers_.end()) return std::nullopt;
    return at->second.running;
  }
  std::vector<RunningProcess> running() const override {
    std::vector<RunningProcess> all;
    for (const auto& [device, worker] : workers_) all.push_back(worker.running);
    return all;
  }

  std::vector<pollfd> descriptors() const override;
  std::optional<int64_t> next_deadline_ms() const override;
  std::vector<WorkerEvent> advance(int64_t now_ms) override;

 private:
  std::vector<std::string> arguments(const WorkerOrder& order) const;
  std::string socket_path(uint32_t device, uint64_t epoch) const;
  std::string log_path(uint32_t device) const {
    return options_.directory + "/worker-" + std::to_string(device) + ".log";
  }
  bool take_address(Worker& worker);
  std::optional<std::string> end_of(Worker& worker, int64_t now_ms);
  void enforce(Worker& worker, int64_t now_ms);

  ProcessHostOptions options_;
  std::map<uint32_t, Worker> workers_;  // by device
};

std::string ProcessHost::socket_path(uint32_t device, uint64_t epoch) const {
  return options_.socket_directory + "/w" + std::to_string(device) + "-" + std::to_string(epoch) +
         ".sock";
}

std::vector<std::string> ProcessHost::arguments(const WorkerOrder& order) const {
  std::string listen = options_.listen + ":" + options_.host + ":0";
  if (options_.listen == "unix") listen = "unix:" + socket_path(order.device, order.epoch);
  std::vector<std::string> argv = {options_.program,
                                   "--listen",
                                   listen,
                                   "--epoch",
                                   std::to_string(order.epoch),
                                   "--device-kind",
                                   order.kind,
                                   "--device-index",
                                   std::to_string(order.device),
                                   "--threads",
                                   std::to_string(options_.threads),
                                   "--memory",
                                   std::to_string(order.memory_bytes),
                                   "--secret-fd",
                                   "3",
                                   "--ready-fd",
                                   "4"};
  if (!options_.compile_python.empty()) {
    argv.insert(argv.end(), {"--compile-folder", options_.compile_folder});
  }
  if (options_.listen == "tls") {
    argv.insert(argv.end(),
                {"--certificate", options_.certificate_path, "--key", options_.key_path});
  }
  if (order.ranks > 1) {
    argv.insert(argv.end(), {"--rank", std::to_string(order.rank), "--ranks",
                             std::to_string(order.ranks), "--peers-fd", "5"});
    if (!options_.ca_path.empty()) argv.insert(argv.end(), {"--ca", options_.ca_path});
  }
  return argv;
}

Result<ProcessId> ProcessHost::start(const WorkerOrder& order, int64_t now_ms) {
  if (workers_.count(order.device)) {
    return failed_precondition("[agent.spawn] device " + std::to_string(order.device) +
                               " still has a Worker");
  }
  if (options_.listen == "unix" && socket_path(order.device, order.epoch).size() > kSocketPathMax) {
    return invalid_argument("[agent.spawn] path too long for a socket: " +
                            options_.socket_directory + "; name a shorter --socket-dir");
  }
  MOAI_ASSIGN_OR_RETURN(Pipe secret, make_pipe());
  MOAI_ASSIGN_OR_RETURN(Pipe ready, make_pipe());
  Pipe peers;
  if (order.ranks > 1) {
    MOAI_ASSIGN_OR_RETURN(peers, make_socket());
  }
  const std::string secrets = order.secret + order.group_secret;
  if (::write(secret.write.get(), secrets.data(), secrets.size()) !=
      static_cast<ssize_t>(secrets.size())) {
    return internal_error("[agent.spawn] secret does not fit into a pipe");
  }
  secret.write.reset();
  SpawnOptions spawning;
  spawning.argv = arguments(order);
  // As probes number them.
  if (order.kind == "cuda") spawning.environment = {{"CUDA_DEVICE_ORDER", "PCI_BUS_ID"}};
  spawning.fds = {secret.read.get(), ready.write.get()};
  if (peers.read.valid()) spawning.fds.push_back(peers.read.get());
  spawning.log_path = log_path(order.device);
  spawning.truncate_log = true;
  if (order.device < options_.cpus.size()) spawning.cpus = options_.cpus[order.device];
  spawning.data_bytes_max = options_.data_bytes_max;
  MOAI_ASSIGN_OR_RETURN(const int64_t pid, spawn(spawning));

  Worker worker;
  worker.running = {order.device, order.epoch, process_id(pid).value_or(ProcessId{pid, 0}), ""};
  if (auto fd = open_pidfd(pid); fd.ok()) worker.pidfd = std::move(*fd);
  worker.ready = std::move(ready.read);
  worker.peers = std::move(peers.write);
  ::fcntl(worker.ready.get(), F_SETFL, O_NONBLOCK);
  worker.child = true;
  worker.ready_by_ms = now_ms + options_.ready_ms_max;
  const ProcessId process = worker.running.process;
  workers_.emplace(order.device, std::move(worker));
  return process;
}

Status ProcessHost::adopt(const RunningProcess& running) {
  if (workers_.count(running.device)) {
    return failed_precondition("[agent.spawn] device " + std::to_string(running.device) +
                               " already has a Worker");
  }
  Worker worker;
  worker.running = running;
  if (auto fd = open_pidfd(running.process.pid); fd.ok()) worker.pidfd = std::move(*fd);
  // Only now the descriptor surely means the process that is looked at.
  if (!is_alive(running.process)) {
    return not_found("[agent.spawn] Worker is gone: pid " + std::to_string(running.process.pid));
  }
  workers_.emplace(running.device, std::move(worker));
  return ok_status();
}

void ProcessHost::stop(uint32_t device, const std::string& why, int64_t now_ms) {
  const auto at = workers_.find(device);
  if (at == workers_.end() || at->second.kill_at_ms) return;
  at->second.stop_why = why;
  at->second.kill_at_ms = now_ms + options_.stop_ms;
  if (is_alive(at->second.running.process)) {
    ::kill(static_cast<pid_t>(at->second.running.process.pid), SIGTERM);
  }
}

Status ProcessHost::introduce(uint32_t device, const std::vector<identity::Peer>& peers) {
  const auto at = workers_.find(device);
  if (at == workers_.end() || !at->second.peers.valid()) return ok_status();
  const Fd socket = std::move(at->second.peers);
  const std::string bytes = identity::encode_peers(peers);
  const ssize_t n = ::send(socket.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  if (n == static_cast<ssize_t>(bytes.size())) return ok_status();
  if (n < 0 && errno == EPIPE) return ok_status();  // it has ended, which will tell why
  return resource_exhausted("[agent.spawn] the list of " + std::to_string(peers.size()) +
                            " Workers does not fit into a socket: " + std::to_string(bytes.size()) +
                            " bytes");
}

std::vector<pollfd> ProcessHost::descriptors() const {
  std::vector<pollfd> all;
  for (const auto& [device, worker] : workers_) {
    if (worker.pidfd.valid()) all.push_back({worker.pidfd.get(), POLLIN, 0});
    if (worker.ready.valid()) all.push_back({worker.ready.get(), POLLIN, 0});
  }
  return all;
}

std::optional<int64_t> ProcessHost::next_deadline_ms() const {
  std::optional<int64_t> next;
  for (const auto& [device, worker] : workers_) {
    for (int64_t at : {worker.ready_by_ms, worker.kill_at_ms, worker.watch_at_ms}) {
      if (at && (!next || at < *next)) next = at;
    }
  }
  return next;
}

// True when the whole line has come.
bool ProcessHost::take_address(Worker& worker) {
  char buffer[256];
  while (worker.ready.valid()) {
    const ssize_t n = ::read(worker.ready.get(), buffer, sizeof buffer);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && errno == EAGAIN) return false;
    if (n <= 0 || worker.line.size() > kAddressBytesMax) {
      worker.ready.reset();  // its end, or its death, will say why
      return false;
    }
    worker.line.append(buffer, static_cast<size_t>(n));
    const size_t end = worker.line.find('\n');
    if (end == std::string::npos) continue;
    worker.running.address = worker.line.substr(0, end);
    worker.ready_by_ms = 0;
    worker.ready.reset();
    return true;
  }
  return false;
}

// The evidence, once the process has ended.
std::optional<std::string> ProcessHost::end_of(Worker& worker, int64_t now_ms) {
  const pid_t pid = static_cast<pid_t>(worker.running.process.pid);
  std::string exit = "ended; its exit code is not known, a former agent started it";
  if (worker.child) {
    siginfo_t info = {};
    if (::waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED | WNOHANG | WNOWAIT) != 0 ||
        info.si_pid != pid) {
      if (!worker.pidfd.valid()) worker.watch_at_ms = now_ms + kWatchMs;
      return std::nullopt;
    }
  } else if (is_alive(worker.running.process)) {
    if (!worker.pidfd.valid()) worker.watch_at_ms = now_ms + kWatchMs;
    return std::nullopt;
  }
  ::kill(-pid, SIGKILL);  // what it may have started
  int status = 0;
  if (worker.child && ::waitpid(pid, &status, WNOHANG) == pid) exit = describe_exit(status);
  if (!worker.stop_why.empty()) return worker.stop_why;
  const std::string tail = log_tail(log_path(worker.running.device));
  return "Worker " + exit + (tail.empty() ? "" : ": " + tail);
}

void ProcessHost::enforce(Worker& worker, int64_t now_ms) {
  if (worker.ready_by_ms && now_ms >= worker.ready_by_ms) {
    worker.ready_by_ms = 0;
    const std::string tail = log_tail(log_path(worker.running.device));
    stop(worker.running.device,
         "Worker was not ready within " + std::to_string(options_.ready_ms_max) + " ms" +
             (tail.empty() ? "" : ": " + tail),
         now_ms);
  }
  if (worker.kill_at_ms && now_ms >= worker.kill_at_ms) {
    ::kill(-static_cast<pid_t>(worker.running.process.pid), SIGKILL);
    worker.kill_at_ms = now_ms + options_.stop_ms;
  }
}

std::vector<WorkerEvent> ProcessHost::advance(int64_t now_ms) {
  std::vector<WorkerEvent> events;
  for (auto at = workers_.begin(); at != workers_.end();) {
    Worker& worker = at->second;
    const RunningProcess& running = worker.running;
    if (take_address(worker)) {
      events.push_back({WorkerEvent::Kind::kReady, running.device, running.epoch, running.address});
    }
    if (auto evidence = end_of(worker, now_ms)) {
      ::unlink(socket_path(running.device, running.epoch).c_str());
      events.push_back({WorkerEvent::Kind::kEnded, running.device, running.epoch, *evidence});
      at = workers_.erase(at);
      continue;
    }
    enforce(worker, now_ms);
    ++at;
  }
  return events;
}

}  // namespace

std::unique_ptr<WorkerHost> process_host(ProcessHostOptions options) {
  return std::make_unique<ProcessHost>(std::move(options));
}

}  // namespace moai::agent
