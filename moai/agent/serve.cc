#include "moai/agent/serve.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>

#include "moai/agent/probe/linux_cpu.h"
#include "moai/agent/probe/nvidia.h"
#include "moai/agent/spawn/cpu_sets.h"

namespace moai::agent {
namespace {

Result<std::string> contents(const std::string& path) {
  if (path.empty()) return std::string();
  std::ifstream file(path);
  if (!file) return not_found("[agent.serve] cannot read " + path);
  return std::string(std::istreambuf_iterator<char>(file), {});
}

Status make_private(const std::string& path) {
  if (::mkdir(path.c_str(), 0700) == 0) return ok_status();
  struct stat info = {};
  if (::stat(path.c_str(), &info) != 0 || !S_ISDIR(info.st_mode)) {
    return unavailable("[agent.serve] cannot make the directory " + path);
  }
  if (info.st_uid != ::geteuid() || (info.st_mode & 077)) {
    return permission_denied("[agent.serve] others can enter " + path + "; chmod 700 it");
  }
  return ok_status();
}

// Two agents over one state would end each other's Workers.
Result<Fd> lock(const std::string& state) {
  const std::string path = state + "/agent.lock";
  Fd file(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!file.valid() || ::flock(file.get(), LOCK_EX | LOCK_NB) != 0) {
    return failed_precondition("[agent.serve] another agent uses " + state);
  }
  return file;
}

Status complete(ServeOptions& o) {
  if (o.workers.listen == "tls" && (o.channel.certificate.empty() || o.channel.key.empty())) {
    return invalid_argument("[agent.serve] --listen tls needs --certificate and --key");
  }
  if (o.workers.certificate_path.empty()) {
    o.workers.certificate_path = o.channel.certificate;
    o.workers.key_path = o.channel.key;
  }
  o.workers.ca_path = o.channel.ca;
  for (std::string* file : {&o.channel.ca, &o.channel.certificate, &o.channel.key}) {
    MOAI_ASSIGN_OR_RETURN(*file, contents(*file));
  }
  MOAI_ASSIGN_OR_RETURN(o.workers.cpus, parse_cpu_sets(o.cpu_sets));
  o.workers.directory = o.state;
  o.workers.compile_folder = o.state + "/compiled";
  o.workers.host = o.host;
  if (o.workers.socket_directory.empty()) o.workers.socket_directory = o.state;
  o.simulated.threads = o.workers.threads;
  return ok_status();
}

AgentOptions agent_options(const ServeOptions& o) {
  AgentOptions agent;
  agent.name = o.name;
  agent.host = o.host;
  agent.version = o.version;
  agent.pid = ::getpid();
  agent.self_fence_ms = o.self_fence_s * 1000;
  agent.state_path = o.state + "/agent.json";
  agent.boot_id = boot_id();
  agent.host_id = shared_memory_id();
  return agent;
}

std::unique_ptr<Probe> probe_of(const ServeOptions& options) {
  if (options.probe == "cpu") return linux_cpu_probe();
  if (options.probe == "nvidia") return nvidia_probe();
  return simulated_probe(options.simulated);
}

}  // namespace

Status serve(ServeOptions options, Fd stop) {
  MOAI_RETURN_IF_ERROR(complete(options));
  MOAI_RETURN_IF_ERROR(make_private(options.state));
  MOAI_RETURN_IF_ERROR(make_private(options.workers.socket_directory));
  MOAI_RETURN_IF_ERROR(make_private(options.workers.compile_folder));
  MOAI_ASSIGN_OR_RETURN(const Fd held, lock(options.state));
  const auto probe = probe_of(options);
  const auto host = process_host(options.workers);
  Agent agent(agent_options(options), probe.get(), host.get());
  MOAI_RETURN_IF_ERROR(agent.recover(boot_time_ms()));
  MOAI_ASSIGN_OR_RETURN(const auto channel, rpc::Channel::open(options.channel));
  CompileService compiling({.python = options.workers.compile_python,
                            .folder = options.workers.compile_folder,
                            .log_path = options.state + "/compile-service.log"});
  AgentLoopOptions loop;
  loop.compiling = &compiling;
  loop.connect = [&channel]() -> Result<std::unique_ptr<rpc::AgentStream>> {
    return rpc::attend(channel);
  };
  loop.stop = std::move(stop);
  loop.exit_with_master_pid = options.exit_with_master_pid;
  run_agent(&agent, host.get(), std::move(loop));
  return ok_status();
}

}  // namespace moai::agent
