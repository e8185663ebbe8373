// Links to all Workers of a lease at once.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "moai/comm/link/link.h"

namespace moai::driver {

struct Dialled {
  std::vector<std::unique_ptr<comm::Link>> links;  // by rank, as the addresses; all, or none
  Status error;                                    // of the lowest rank that failed
  size_t failed = 0;                               // that rank
};

// Blocks until all are made or one has failed, at most until the deadline. The caller dials one
// after the other itself; for several addresses up to 15 threads help it, which are gone at the
// return. Nothing is sent but what the transport's own handshake needs.
Dialled dial_all(const std::vector<std::string>& addresses, comm::Deadline deadline,
                 const comm::TlsOptions& tls);

}  // namespace moai::driver
