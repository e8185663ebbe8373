// moai-worker: executes the programs of one lease. Flags and wiring; the rules are in moai/worker.
#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <sys/time.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstring>
#include <thread>

#include "moai/base/environment.h"
#include "moai/base/fd.h"
#include "moai/base/file.h"
#include "moai/base/log.h"
#include "moai/device/aten/accelerator/accelerator_queue.h"
#include "moai/device/aten/aten_device.h"
#include "moai/worker/compiled/aoti_package.h"
#include "moai/worker/peers/handover.h"
#include "moai/worker/serve/worker.h"

namespace moai {
namespace {

constexpr char kFooter[] =
    R"(The secret is read from --secret-fd until its end; the address is written to
--ready-fd as one line. With --ranks above 1 the group's secret follows the first, and the list of
all Workers of the lease is read from --peers-fd (docs/formats/worker.md).

Examples:
  moai-worker --listen unix:/run/moai/w0.sock --epoch 7 --device-kind cpu --device-index 0
              --threads 2 --memory 4294967296 --secret-fd 3 --ready-fd 4  3< secret 4> address
  moai-worker --listen tls:10.0.0.2:0 --certificate worker.pem --key worker.key --epoch 7 …)";

constexpr itimerval kGrace = {{0, 0}, {0, 300'000}};  // from SIGTERM until a call is left

struct Flags {
  std::string listen = "unix:moai-worker.sock";
  uint64_t epoch = 0;
  device::DeviceOptions device;
  uint32_t rank = 0;
  uint32_t ranks = 1;
  int secret_fd = 0;
  int ready_fd = 1;
  int peers_fd = -1;
  std::string certificate, key, ca;
  std::string compile_folder;
};

void declare(CLI::App& app, Flags& f) {
  app.add_option("--listen", f.listen, "unix:PATH, tcp:HOST:PORT or tls:HOST:PORT (0: any port)")
      ->capture_default_str();
  app.add_option("--epoch", f.epoch, "epoch of the lease")->required();
  app.add_option("--device-kind", f.device.kind, "cpu, cuda or hip")->capture_default_str();
  app.add_option("--device-index", f.device.index, "which device of the kind")
      ->check(CLI::Range(0, 1024))
      ->capture_default_str();
  app.add_option("--threads", f.device.threads, "threads of one operator on a cpu device")
      ->check(CLI::Range(1, 4096))
      ->capture_default_str();
  app.add_option("--memory", f.device.memory_bytes, "bytes that may be allocated; 0: no limit")
      ->capture_default_str();
  app.add_option("--secret-fd", f.secret_fd, "where the secret of the lease is read")
      ->capture_default_str();
  app.add_option("--ready-fd", f.ready_fd, "where the address is written")->capture_default_str();
  app.add_option("--compile-folder", f.compile_folder,
                 "where the compile service is asked; without it nothing is compiled");
  app.add_option("--rank", f.rank, "which one of the lease's Workers")->capture_default_str();
  app.add_option("--ranks", f.ranks, "how many Workers the lease has")
      ->check(CLI::Range(1, 1'000'000))
      ->capture_default_str();
  app.add_option("--peers-fd", f.peers_fd, "where these are named");
  app.add_option("--ca", f.ca, "what Workers at tls: are checked against, PEM file");
  app.add_option("--certificate", f.certificate, "shown to fronts at tls:, PEM file");
  app.add_option("--key", f.key, "key of the certificate, PEM file");
}

Result<std::string> read_if_named(const std::string& path) {
  return path.empty() ? std::string() : read_file(path);
}

Status write_line(int number, const std::string& line) {
  const Fd fd(number);
  const ssize_t n = ::write(fd.get(), line.data(), line.size());
  return n == static_cast<ssize_t>(line.size()) ? ok_status()
                                                : unavailable("cannot write to --ready-fd");
}

std::string worker_name(int index) {
  char host[256] = {};
  ::gethostname(host, sizeof host - 1);
  return "worker " + std::to_string(index) + " on " + host;
}

// A Worker that will never know the others of its lease is of no use: its end ends the lease.
void take_peers(worker::PeersReader* reader, worker::Peers* known) {
  const auto peers = reader->read();
  if (!peers) return;
  const Status status = peers->ok() ? known->introduce(**peers) : peers->status();
  if (!status.ok()) {
    log_error(status.message());
    ::_exit(1);
  }
  log_info("rank " + std::to_string(known->rank()) + " of " + std::to_string(known->ranks()) +
           " knows its peers" + (identity::share_memory(**peers) ? ", all on one host" : ""));
}

// Takes in the names of the other Workers, and ends the Worker at the first signal; a call that
// runs on is left behind.
void watch(Fd signals, Fd peers, worker::Worker* worker) {
  worker::PeersReader reader(std::move(peers));
  for (;;) {
    pollfd fds[] = {{signals.get(), POLLIN, 0}, {reader.descriptor(), POLLIN, 0}};
    if (::poll(fds, 2, -1) < 0) continue;
    if (fds[1].revents) take_peers(&reader, &worker->peers());
    if (fds[0].revents) break;
  }
  ::signal(SIGALRM, [](int) { ::_exit(0); });
  ::setitimer(ITIMER_REAL, &kGrace, nullptr);
  worker->stop("the Worker was told to end; its lease is over");
}

worker::CompileSite compile_site(const Flags& flags, const std::string& torch_version,
                                 worker::PackageLoader* loader) {
  worker::CompileSite site{.torch_version = torch_version,
                           .processor = worker::processor_name(),
                           .threads = flags.device.threads,
                           .loader = loader};
  if (flags.device.kind != "cpu") {
    site.why_not = "only Workers on processors compile, this one has a " + flags.device.kind;
  } else if (flags.ranks > 1) {
    site.why_not = "windows of a job on several devices are not compiled yet";
  } else if (flags.compile_folder.empty()) {
    site.why_not = "the agent has no compile service; start it with --compile-python";
  } else {
    site.folder = flags.compile_folder;
  }
  return site;
}

Status serve(const Flags& flags, Fd signals) {
  worker::WorkerOptions options;
  if (flags.rank >= flags.ranks || (flags.ranks > 1) != (flags.peers_fd >= 0)) {
    return invalid_argument("--rank " + std::to_string(flags.rank) + " of --ranks " +
                            std::to_string(flags.ranks) +
                            ": ranks begin at 0, and --peers-fd is "
                            "given where there are several");
  }
  MOAI_ASSIGN_OR_RETURN(worker::Secrets secrets,
                        worker::read_secrets(Fd(flags.secret_fd), flags.ranks));
  options.identity.secret = std::move(secrets.lease);
  options.identity.group_secret = std::move(secrets.group);
  options.identity.rank = flags.rank;
  options.identity.ranks = flags.ranks;
  MOAI_ASSIGN_OR_RETURN(options.ca, read_if_named(flags.ca));
  comm::TlsOptions tls;
  MOAI_ASSIGN_OR_RETURN(tls.certificate, read_if_named(flags.certificate));
  MOAI_ASSIGN_OR_RETURN(tls.key, read_if_named(flags.key));
  MOAI_ASSIGN_OR_RETURN(auto device, device::make_aten_device(flags.device));
  options.identity.epoch = flags.epoch;
  options.identity.name = worker_name(flags.device.index);
  options.identity.device_kind = flags.device.kind;
  options.identity.torch_version = device->library_version().substr(std::strlen("torch "));
  options.identity.memory_bytes = flags.device.memory_bytes;
  const auto loader = worker::make_aoti_loader();
  const auto site = compile_site(flags, options.identity.torch_version, loader.get());
  options.connection.compiles = &site;
  const auto queue = device::make_accelerator_queue(flags.device);
  options.connection.nccl = worker::nccl_setup(queue.get(), environment("MOAI_NCCL").value_or(""));
  options.connection.counts_file = environment("MOAI_WORKER_COUNTS").value_or("");
  MOAI_ASSIGN_OR_RETURN(auto listener, comm::listen(flags.listen, tls));
  worker::Worker worker(std::move(options), std::move(listener), device.get());
  MOAI_RETURN_IF_ERROR(write_line(flags.ready_fd, worker.address() + "\n"));
  std::thread watching(watch, std::move(signals), Fd(flags.peers_fd), &worker);
  worker.run();
  watching.join();
  return ok_status();
}

}  // namespace
}  // namespace moai

int main(int argc, char** argv) {
  CLI::App app("Worker: executes the programs of one lease on one device.");
  app.footer(moai::kFooter);
  app.set_version_flag("--version", MOAI_VERSION);
  moai::Flags flags;
  moai::declare(app, flags);
  CLI11_PARSE(app, argc, argv);
  sigset_t ending;
  ::sigemptyset(&ending);
  for (int signal : {SIGTERM, SIGINT, SIGHUP}) ::sigaddset(&ending, signal);
  ::pthread_sigmask(SIG_BLOCK, &ending, nullptr);
  ::signal(SIGPIPE, SIG_IGN);
  const moai::Status status = moai::serve(flags, moai::Fd(::signalfd(-1, &ending, SFD_CLOEXEC)));
  if (status.ok()) ::_exit(0);
  moai::log_error(status.message());
  return 1;
}
