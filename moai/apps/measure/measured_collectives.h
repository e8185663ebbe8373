// Times of collectives among ranks of this host, each a process that does what a Worker does.
#pragma once

#include <functional>
#include <string>

#include "moai/base/status.h"

namespace moai::apps {

// Lines "KIND BYTES MICROSECONDS FAR" with the bytes of cost::collective_seconds(), of the middle
// one of all batches; FAR after `far_bytes` of other memory were written by each rank, 0 where
// there are no `far_bytes` and for few bytes. Forks: this process must have no threads yet.
Result<std::string> measured_collectives(int ranks, int rounds, size_t far_bytes,
                                         const std::function<void(double)>& progress);

}  // namespace moai::apps
