// Accelerators of tokens: which one a session uses, making and finding them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "moai/base/status.h"
#include "moai/control/site.h"

namespace moai::control {

// How many accelerators the token may have.
uint32_t accelerators_limit(const Site& site, const TokenRow& token);
const AcceleratorRow* find_accelerator(const Site& site, uint64_t token_id, uint32_t number);
// By name (letter case does not matter) or by number in the menu; empty: the first flavor.
Result<uint64_t> find_flavor(const Site& site, const std::string& text);
// RESOURCE_EXHAUSTED at the token's limit.
Result<uint64_t> add_accelerator_row(Site& site, uint64_t token_id, uint64_t flavor_id,
                                     const std::string& actor);
// The accelerator that `session_id` (0: a new session) should use when it may use any of the token:
// the one it has if nobody else uses that, else one that nobody uses, else a new one while devices
// are left, else the one with the fewest sessions.
uint64_t own_accelerator(Site& site, uint64_t token_id, uint64_t session_id);
// The lease that holds the accelerator, or waits for it first. Null: none.
const LeaseRow* lease_on(const Site& site, uint64_t accelerator_id);

// The flavors a new store begins with. `memory_bytes` of one device.
void seed_flavors(Site& site);

}  // namespace moai::control
