// Groups of ranks on any hosts, over one Link between each two of them.
//
// What goes over the links is in docs/formats/collective.md. Links say at once when a process ended
// (TCP's keepalive within 30 s when its machine vanished). Broadcast: the root sends to each rank.
#pragma once

#include <memory>
#include <vector>

#include "moai/base/status.h"
#include "moai/comm/collective/group.h"
#include "moai/comm/link/link.h"

namespace moai::comm {

// `links[r]` leads to rank r of the job and is used by nobody else from now on; links[rank] is
// null. The subgroups of a group use its links, which close with the last of them.
Result<std::unique_ptr<Group>> join_linked(std::vector<std::unique_ptr<Link>> links, int rank,
                                           const GroupOptions& options = {});

}  // namespace moai::comm
