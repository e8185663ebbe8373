#include "moai/driver/lease/lease_connector.h"

#include <unistd.h>

namespace moai::driver {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr milliseconds kConnectMax{5000};

Lease::Options lease_options(const DriverOptions& o) {
  session::Start start;
  start.client_version = o.client_version;
  start.framework = o.framework;
  start.pid = ::getpid();
  start.command = o.command;
  start.manager_address = o.manager_address;
  start.token = o.token;
  start.ca_path = o.ca_path;
  start.flavor = o.flavor;
  start.device = o.device;
  return {o.session_program, start, o.quiet};
}

}  // namespace

LeaseConnector::LeaseConnector(const DriverOptions& options, Ended ended)
    : command_(options.command),
      // "pytorch-2.13.0"
      torch_version_(options.framework.substr(options.framework.find('-') + 1)),
      lease_(lease_options(options), std::move(ended)) {}

Result<Connected> LeaseConnector::connect(const std::function<bool()>& stopped) {
  MOAI_ASSIGN_OR_RETURN(const session::Granted granted, lease_.acquire(stopped));
  if (granted.workers.empty()) return internal_error("[driver.lease] a lease without a Worker");
  const session::WorkerAddress& worker = granted.workers[0];
  const comm::TlsOptions tls{.ca = granted.ca, .certificate = {}, .key = {}, .peer_name = {}};
  Connected connected;
  connected.memory_bytes = granted.memory_bytes;
  connected.job_id = granted.job_id;
  MOAI_ASSIGN_OR_RETURN(connected.link,
                        comm::connect(worker.address, steady_clock::now() + kConnectMax, tls));
  connected.hello.secret = worker.secret;
  connected.hello.epoch = granted.epoch;
  connected.hello.client = "pid " + std::to_string(::getpid()) + " " + command_;
  connected.hello.torch_version = torch_version_;
  return connected;
}

}  // namespace moai::driver
