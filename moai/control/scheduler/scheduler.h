// The scheduler: a pure function from a view to decisions, one for every waiting request.
//
// Rules, in order:
// 1. Requests are served by priority, then by request time. A gang gets all its devices or none.
// 2. A request that waits for something of its own (its accelerator is in use, its quota, a flavor
//    nothing can compute, more devices than are connected) does not hold up the others. What can
//    never be granted (a flavor nothing can compute, or over the token's limit alone) is refused.
// 3. One that waits for free devices holds up everything behind it, so that a stream of small
//    requests never starves a large one.
// 4. Devices are taken from the agent that they fit most tightly, so that large blocks stay whole.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "moai/control/view/view.h"

namespace moai::control {

enum class Cause : uint8_t {
  kNone = 0,  // granted
  kInUse,
  kNoFreeDevice,
  kNoAgent,
  kFlavorNotSupported,
  kQuota,
  kHeldByAncestor,  // in use by a process that started the one that asks
  kTooFewDevices,   // are connected at all
  kOverLimit,       // more than the token may ever have
};
std::string_view cause_word(Cause cause);  // "in_use", stable

struct Decision {
  uint64_t lease_id = 0;
  std::vector<DeviceKey> devices;  // empty: it waits
  Cause cause = Cause::kNone;
  uint64_t holder = 0;  // kInUse: the lease in the way
};

std::vector<Decision> decide(const View& view);

}  // namespace moai::control
