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
// the one it has if nobody else uses that, else one of the default's flavor that nobody uses (the
// default first), else a new one while devices are left, else one whose sessions have no job now,
// else the one with the fewest.
uint64_t own_accelerator(Site& site, uint64_t token_id, uint64_t session_id);
// Removes an accelerator that own_accelerator() made, when no session and no lease has it any more.
void drop_if_unneeded(Site& site, uint64_t accelerator_id);
// The lease that holds the accelerator, or waits for it first. Null: none.
const LeaseRow* lease_on(const Site& site, uint64_t accelerator_id);

// Not one that the site has taken off its list and old accelerators still have.
bool is_offered(const Site& site, uint64_t flavor_id);
// Puts the flavors of the options into the store; those not among them are retired (position 0).
// Without any in the options: what is stored stays, an empty store gets the standard ones.
void seed_flavors(Site& site);

}  // namespace moai::control
