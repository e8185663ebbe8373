// Links within one process, for tests: the same contract without a socket.
#pragma once

#include <cstddef>
#include <memory>
#include <utility>

#include "moai/comm/link/link.h"

namespace moai::comm {

// Two ends of one link. A sender blocks while `capacity_bytes` wait at the other end; one frame is
// always taken.
std::pair<std::unique_ptr<Link>, std::unique_ptr<Link>> memory_link_pair(
    size_t capacity_bytes = size_t{1} << 20);

}  // namespace moai::comm
