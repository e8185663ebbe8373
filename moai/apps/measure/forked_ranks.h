// Ranks of this host, each a process that does what a Worker does.
#pragma once

#include <functional>

#include "moai/base/status.h"

namespace moai::apps {

// Calls `run` with each rank: 0 in this process, the others in processes forked from it, which must
// have no threads yet; they say on stderr what failed. Comes back when all have ended.
Status run_forked_ranks(int ranks, const std::function<Status(int rank)>& run);

}  // namespace moai::apps
