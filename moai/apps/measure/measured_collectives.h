// Times of collectives among ranks of this host, each a process that does what a Worker does.
#pragma once

#include <functional>
#include <string>

#include "moai/base/status.h"

namespace moai::apps {

// Lines "KIND BYTES MICROSECONDS" with the bytes of cost::collective_seconds(), of the quickest of
// all batches: what a rank waits for one whose processor others use is not in them. Forks: this
// process must have no threads yet.
Result<std::string> measured_collectives(int ranks, int rounds,
                                         const std::function<void(double)>& progress);

}  // namespace moai::apps
