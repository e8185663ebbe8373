// moai-agent: the Worker Agent of one back node. Flags and wiring; the rules are in moai/agent.
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <thread>

#include "moai/agent/serve.h"
#include "moai/base/log.h"
#include "moai/base/process.h"

namespace moai {
namespace {

constexpr char kFooter[] = R"(Examples:
  moai-agent --master master:7070 --ca ca.pem --certificate agent.pem --key agent.key
             --host 10.0.0.2 --listen tls
  moai-agent --master 127.0.0.1:7070 --ca ca.pem --certificate agent.pem --key agent.key
             --state ~/agent --probe simulated --devices 8 --memory 4294967296)";

struct Flags {
  agent::ServeOptions serve;
  bool log_time = false;
};

void declare_connection(CLI::App& app, agent::ServeOptions& o) {
  app.add_option("--master", o.channel.address, "SDAManager, host:port")->required();
  app.add_option("--ca", o.channel.ca, "CA certificate of the site, PEM file");
  app.add_option("--certificate", o.channel.certificate, "this agent's certificate, PEM file");
  app.add_option("--key", o.channel.key, "key of the certificate, PEM file");
  app.add_option("--server-name", o.channel.server_name, "name in SDAManager's certificate");
  app.add_option("--name", o.name, "name of this node, unique")->capture_default_str();
  app.add_option("--host", o.host, "address that fronts reach this node at")->capture_default_str();
  app.add_option("--state", o.state, "directory of what must survive a restart")
      ->capture_default_str();
  app.add_option("--self-fence", o.self_fence_s,
                 "seconds without SDAManager after which all Workers are ended")
      ->check(CLI::Range(1, 86400))
      ->capture_default_str();
  app.add_option("--exit-with-master", o.exit_with_master_pid,
                 "end when this process has ended and no Worker runs");
}

void declare_devices(CLI::App& app, agent::ServeOptions& o) {
  app.add_option("--probe", o.probe, "devices of this node: simulated, cpu or nvidia")
      ->check(CLI::IsMember({"simulated", "cpu", "nvidia"}))
      ->capture_default_str();
  app.add_option("--devices", o.simulated.devices, "how many simulated devices")
      ->check(CLI::Range(1, 1024))
      ->capture_default_str();
  app.add_option("--memory", o.simulated.memory_bytes,
                 "bytes of one simulated device; default: half of the machine's, shared out");
}

void declare_workers(CLI::App& app, agent::ProcessHostOptions& o, std::string& cpu_sets) {
  app.add_option("--worker", o.program, "the Worker program")->capture_default_str();
  app.add_option("--threads", o.threads, "threads of one Worker")
      ->check(CLI::Range(1, 4096))
      ->capture_default_str();
  app.add_option("--cpu-sets", cpu_sets, "processors of each device's Worker: \"0-3;4-7\"");
  app.add_option("--compile-python", o.compile_python,
                 "interpreter of the compile service, with the Workers' version of torch and the "
                 "package moai; empty: nothing is compiled")
      ->capture_default_str();
  app.add_option("--worker-heap-max", o.data_bytes_max, "limit of a Worker's heap, bytes");
  app.add_option("--listen", o.listen, "how fronts reach Workers: unix, tcp or tls")
      ->check(CLI::IsMember({"unix", "tcp", "tls"}))
      ->capture_default_str();
  app.add_option("--socket-dir", o.socket_directory,
                 "private directory of the Workers' sockets; default: the state directory");
  app.add_option("--worker-certificate", o.certificate_path,
                 "what Workers show to fronts, PEM file; default: the agent's");
  app.add_option("--worker-key", o.key_path, "key of the Workers' certificate, PEM file");
}

std::string host_name() {
  char name[256] = {};
  ::gethostname(name, sizeof name - 1);
  return name;
}

Flags defaults() {
  Flags flags;
  flags.serve.version = MOAI_VERSION;
  flags.serve.name = flags.serve.host = host_name();
  flags.serve.state = "/var/lib/moai/agent";
  flags.serve.workers.program = program_directory() + "/moai-worker";
  flags.serve.workers.compile_python = MOAI_PYTHON;
  flags.serve.workers.threads = std::max(1u, std::thread::hardware_concurrency());
  return flags;
}

// Blocks the signals that end the agent in all threads to come; readable when one came.
Fd ending_signals() {
  sigset_t ending;
  ::sigemptyset(&ending);
  for (int signal : {SIGTERM, SIGINT, SIGHUP}) ::sigaddset(&ending, signal);
  ::pthread_sigmask(SIG_BLOCK, &ending, nullptr);
  ::signal(SIGPIPE, SIG_IGN);
  return Fd(::signalfd(-1, &ending, SFD_CLOEXEC));
}

}  // namespace
}  // namespace moai

int main(int argc, char** argv) {
  CLI::App app("Worker Agent: offers this node's devices to SDAManager and runs Workers on them.");
  app.footer(moai::kFooter);
  app.set_version_flag("--version", MOAI_VERSION);
  moai::Flags flags = moai::defaults();
  moai::declare_connection(app, flags.serve);
  moai::declare_devices(app, flags.serve);
  moai::declare_workers(app, flags.serve.workers, flags.serve.cpu_sets);
  app.add_flag("--log-time", flags.log_time, "begin log lines with the time");
  CLI11_PARSE(app, argc, argv);
  moai::set_log_timestamps(flags.log_time);
  const moai::Status status = moai::agent::serve(flags.serve, moai::ending_signals());
  if (status.ok()) return 0;
  moai::log_error(status.message());
  return 1;
}
