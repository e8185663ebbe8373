// The Workers of one lease as a group: their names in messages, what they know of each other.
// A Worker's rank is its place in LeaseRow::workers.
#pragma once

#include <cstddef>
#include <string>

#include "moai/control/site.h"

namespace moai::control {

// "rank 2 of 4 (device 0 of node back01)"; of a lease of one device "device 0 of node back01".
std::string worker_name(const Site& site, const LeaseRow& lease, size_t rank);
// The Workers for which `is_one_of` holds, the first three by name: "rank 0 of 8 (…), rank 2 of 8
// (…), rank 3 of 8 (…) and 2 more".
std::string worker_names(const Site& site, const LeaseRow& lease,
                         bool (*is_one_of)(const LeaseWorker&));

// By which its Workers know each other; the same at each call. Empty: there is only one.
std::string group_secret(const LeaseRow& lease);

// Tells its Workers of each other, through their agents: once the lease is active and all these
// agents have registered. May be said again.
void introduce_workers(Site& site, const LeaseRow& lease);
// For the leases with a Worker on the node.
void introduce_workers_of(Site& site, uint64_t agent_id);

}  // namespace moai::control
