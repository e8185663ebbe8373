// link_ranks: the links between all ranks of a job, made by the ranks themselves.
//
// Every rank listens before anybody is told its address; each connects to the ranks below it and
// accepts those above, which show the job's secret. docs/formats/collective.md has the greeting.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "moai/base/status.h"
#include "moai/comm/link/link.h"

namespace moai::comm {

// `addresses[r]` is where rank r listens; that of `rank` belongs to `listener`. Blocks until all
// links stand, for join_linked(). Who connects without the secret is sent away. UNAVAILABLE and
// DEADLINE_EXCEEDED name the rank that is missing.
Result<std::vector<std::unique_ptr<Link>>> link_ranks(Listener* listener,
                                                      std::span<const std::string> addresses,
                                                      int rank, std::string_view secret,
                                                      Deadline deadline,
                                                      const TlsOptions& tls = {});

}  // namespace moai::comm
