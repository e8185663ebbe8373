#include "moai/driver/lease/lease_connector.h"

#include <unistd.h>

#include "moai/driver/lease/dial.h"

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

// In the words of SDAManager.
std::string worker_name(const session::Granted& granted, size_t rank) {
  const session::WorkerAddress& worker = granted.workers[rank];
  const std::string device = "device " + std::to_string(worker.device) + " of node " + worker.node;
  const size_t ranks = granted.workers.size();
  if (ranks == 1) return device;
  return "rank " + std::to_string(rank) + " of " + std::to_string(ranks) + " (" + device + ")";
}

}  // namespace

LeaseConnector::LeaseConnector(const DriverOptions& options, Ended ended)
    : command_(options.command),
      // "pytorch-2.13.0"
      torch_version_(options.framework.substr(options.framework.find('-') + 1)),
      lease_(lease_options(options), std::move(ended)) {}

dispatch::Hello LeaseConnector::hello(const session::Granted& granted, size_t rank) const {
  dispatch::Hello hello;
  hello.secret = granted.workers[rank].secret;
  hello.epoch = granted.epoch;
  hello.client = "pid " + std::to_string(::getpid()) + " " + command_;
  hello.torch_version = torch_version_;
  return hello;
}

Result<Connected> LeaseConnector::connect(const std::function<bool()>& stopped) {
  MOAI_ASSIGN_OR_RETURN(const session::Granted granted, lease_.acquire(stopped));
  const size_t ranks = granted.workers.size();
  if (ranks == 0) return internal_error("[driver.lease] a lease without a Worker");
  std::vector<std::string> addresses;
  for (const session::WorkerAddress& worker : granted.workers) addresses.push_back(worker.address);
  const comm::TlsOptions tls{.ca = granted.ca, .certificate = {}, .key = {}, .peer_name = {}};
  Dialled dialled = dial_all(addresses, steady_clock::now() + kConnectMax, tls);
  if (!dialled.error.ok()) {
    const Status how(dialled.error.code(), "[driver.lease] no link to " +
                                               worker_name(granted, dialled.failed) + ": " +
                                               dialled.error.message());
    return lease_.link_lost(dialled.failed, how);
  }
  Connected connected;
  connected.memory_bytes = granted.memory_bytes * ranks;
  connected.job_id = granted.job_id;
  for (size_t rank = 0; rank < ranks; ++rank) {
    connected.workers.push_back({std::move(dialled.links[rank]), hello(granted, rank),
                                 worker_name(granted, rank), granted.workers[rank].host_id});
  }
  return connected;
}

}  // namespace moai::driver
