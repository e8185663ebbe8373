// moai-master: SDAManager as a program. Flags and wiring only.
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <chrono>

#include "moai/base/file.h"
#include "moai/base/log.h"
#include "moai/control/master.h"
#include "moai/control/setup/flavor_file.h"
#include "moai/control/setup/state_dir.h"
#include "moai/control/store/sqlite_store.h"
#include "moai/rpc/server.h"

namespace moai {
namespace {

struct Flags {
  std::string listen = "127.0.0.1:0";
  std::string address_file;
  std::string state = ".";
  std::string ca, cert, key;
  std::string bootstrap_token;
  std::string host;
  std::string flavors;
  int64_t idle_exit_s = 0;
  int64_t restart_grace_s = 60;
  control::Options options;
};

void declare(CLI::App& app, Flags& flags) {
  app.add_option("--listen", flags.listen, "host:port; port 0: the system chooses");
  app.add_option("--address-file", flags.address_file, "file to write the real address to");
  app.add_option("--state", flags.state, "directory of database and certificates")->required();
  app.add_option("--host", flags.host, "name or address by which others reach this machine");
  app.add_option("--ca", flags.ca, "CA certificate; default: ca.pem of the state directory");
  app.add_option("--cert", flags.cert, "server certificate; default: master.pem");
  app.add_option("--key", flags.key, "its key; default: master.key");
  app.add_option("--bootstrap-token", flags.bootstrap_token,
                 "file with the secret of a first ADMIN token; made when missing");
  app.add_option("--device-name", flags.options.device_name, "what users call an accelerator");
  app.add_option("--device-memory", flags.options.device_memory,
                 "bytes of one device; 0: the flavor's and the device's")
      ->transform(CLI::AsSizeValue(false));
  app.add_option("--idle-exit", flags.idle_exit_s,
                 "end after so many seconds without session or call; 0: never");
  app.add_option("--restart-grace", flags.restart_grace_s,
                 "seconds for sessions of a former master to come back; 0: they are over")
      ->check(CLI::Range(int64_t{0}, int64_t{86400}));
  app.add_option("--flavors", flags.flavors,
                 "file of the site's flavors (docs/formats/flavors.md); default: as stored, at "
                 "first the 13 standard ones");
  app.add_option("--flavor-devices-max", flags.options.flavor_devices_max,
                 "devices that one job can compute on");
  app.set_version_flag("--version", MOAI_VERSION);
}

Result<rpc::ServerOptions> server_options(const Flags& flags) {
  rpc::ServerOptions server;
  server.address = flags.listen;
  if (flags.cert.empty()) {
    const std::string host =
        flags.host.empty() ? flags.listen.substr(0, flags.listen.rfind(':')) : flags.host;
    MOAI_ASSIGN_OR_RETURN(const control::MasterCertificates made,
                          control::ensure_certificates(flags.state, host));
    server.ca = made.ca;
    server.certificate = made.master.certificate;
    server.key = made.master.key;
    return server;
  }
  MOAI_ASSIGN_OR_RETURN(server.ca, read_file(flags.ca));
  MOAI_ASSIGN_OR_RETURN(server.certificate, read_file(flags.cert));
  MOAI_ASSIGN_OR_RETURN(server.key, read_file(flags.key));
  return server;
}

// SIGTERM and SIGINT are blocked in every thread and waited for here.
sigset_t stop_signals() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGINT);
  return set;
}

// Returns when a signal asks to stop or nobody needs the master any more.
void serve(const Flags& flags, const control::Master& master, const sigset_t& signals) {
  const auto limit = std::chrono::seconds(flags.idle_exit_s);
  while (true) {
    const timespec wait{0, 200 * 1000 * 1000};
    if (sigtimedwait(&signals, nullptr, &wait) > 0) return;
    if (flags.idle_exit_s > 0 && master.idle_for() > limit) {
      log_info("SDAManager ends: no session and no call for " + std::to_string(flags.idle_exit_s) +
               " s");
      return;
    }
  }
}

Status run(const Flags& flags) {
  const sigset_t signals = stop_signals();
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  signal(SIGPIPE, SIG_IGN);
  umask(077);  // the database holds the secrets of leases
  MOAI_RETURN_IF_ERROR(control::make_private_directory(flags.state));
  MOAI_ASSIGN_OR_RETURN(const rpc::ServerOptions listening, server_options(flags));
  control::Options options = flags.options;
  options.restart_grace_ms = flags.restart_grace_s * 1000;
  if (!flags.flavors.empty()) {
    MOAI_ASSIGN_OR_RETURN(const std::string text, read_file(flags.flavors));
    MOAI_ASSIGN_OR_RETURN(options.flavors, control::parse_flavors(text));
  }
  MOAI_ASSIGN_OR_RETURN(auto store, control::open_sqlite_store(flags.state + "/master.db"));
  MOAI_ASSIGN_OR_RETURN(auto master, control::Master::start(options, std::move(store)));
  if (!flags.bootstrap_token.empty()) {
    MOAI_ASSIGN_OR_RETURN(const std::string secret,
                          control::ensure_token_file(flags.bootstrap_token));
    MOAI_RETURN_IF_ERROR(master->ensure_bootstrap_token(secret));
  }
  MOAI_ASSIGN_OR_RETURN(auto server, rpc::Server::start(listening, master.get()));
  if (!flags.address_file.empty())
    MOAI_RETURN_IF_ERROR(write_file(flags.address_file, server->address() + "\n"));
  log_info("SDAManager " + flags.options.version + " listens on " + server->address() + " (pid " +
           std::to_string(::getpid()) + ")");
  serve(flags, *master, signals);
  server->stop(std::chrono::milliseconds(500));
  master->stop();
  return ok_status();
}

}  // namespace
}  // namespace moai

int main(int argc, char** argv) {
  moai::Flags flags;
  flags.options.version = MOAI_VERSION;
  CLI::App app("SDAManager: grants accelerators to sessions and starts Workers on devices.");
  moai::declare(app, flags);
  CLI11_PARSE(app, argc, argv);
  moai::set_log_timestamps(true);
  const moai::Status status = moai::run(flags);
  if (status.ok()) return 0;
  moai::log_error("SDAManager: " + status.to_string());
  return 1;
}
