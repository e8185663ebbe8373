// What can happen to a lease. Every function moves it along the table of lease_state.h, writes the
// event, orders its Workers and tells its session (after the commit).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "moai/base/status.h"
#include "moai/control/site.h"

namespace moai::control {

// How a lease ends before its session gave it back.
struct Ending {
  LeaseState state = LeaseState::kFailed;  // kReleasing, kRevoking or kFailed
  std::string cause;                       // stable word, "reset", "worker_ended", …
  std::string text;                        // for the user; empty: the session is not told
  std::string actor;                       // who did it
  Code code = Code::kUnavailable;          // what the session is told
};

// A new lease of the session's job. The session must not have one.
uint64_t request_lease(Site& site, const SessionRow& session);
// Says why it waits; the session hears it when the text is new.
void let_wait(Site& site, uint64_t lease_id, const std::string& cause, const std::string& text);
// Gives it devices and a new epoch, and orders its Workers.
void grant_lease(Site& site, uint64_t lease_id, const std::vector<DeviceKey>& devices);
// Ends it; its devices are free when their Workers are known to be gone.
void end_lease(Site& site, uint64_t lease_id, const Ending& ending);

void worker_ready(Site& site, DeviceKey device, uint64_t epoch, const std::string& address,
                  int64_t pid);
// The Worker is surely gone. Ends the lease unless it was ending already.
void worker_gone(Site& site, DeviceKey device, uint64_t epoch, const std::string& evidence);

// The front cannot reach the Worker at `address`. The lease ends with what its agent says of it, or
// with `text` when end_lost_links() finds that the agent has said nothing for a while.
void link_lost(Site& site, uint64_t lease_id, const std::string& address, const std::string& text);
void end_lost_links(Site& site);

// Orders again what an agent that came back may not have heard.
void repeat_start(Site& site, const LeaseRow& lease, const LeaseWorker& worker);
void order_stop(Site& site, DeviceKey device, uint64_t epoch, const std::string& why);
// Granted, with all its Workers' addresses.
void tell_granted(Site& site, const LeaseRow& lease);

// Fails leases whose Workers were not ready in time.
void expire_starting(Site& site);

}  // namespace moai::control
