// Peers: what a Worker knows of the other Workers of its lease, and its links to them.
//
// It knows its rank from the start, and who the others are once all of them are ready. A link is
// made when both sides ask for it: the higher rank connects and says Join, the lower one's acceptor
// hands in who came. docs/design/015-leases-of-several-devices.md. Thread-safe.
#pragma once

#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "moai/comm/link/link.h"
#include "moai/identity/peers.h"
#include "moai/worker/serve/handshake.h"

namespace moai::worker {

class Peers {
 public:
  // `identity` is this Worker's and outlives this; `address` is where it listens; `ca` (PEM)
  // is what "tls:" peers are checked against.
  Peers(const Identity* identity, std::string address, std::string ca);

  uint32_t rank() const { return identity_.rank; }
  uint32_t ranks() const { return identity_.ranks; }

  // All Workers of the lease, by rank. Once; INVALID_ARGUMENT when this Worker is not where it
  // should be among them.
  Status introduce(std::vector<identity::Peer> peers);
  // Nothing more will come; who waits fails with `why`.
  void end(const Status& why);

  // By rank, this Worker among them. Waits until they are known.
  Result<std::vector<identity::Peer>> all(comm::Deadline deadline,
                                          const comm::Interrupt& interrupt);
  // A word of letters and digits that only they have, for what they share on one host.
  std::string name() const;
  // A fresh link to `rank`, which must ask for one to this rank and of the same group. What the
  // peer had made for other groups before is dropped. Errors name the rank and its address.
  Result<std::unique_ptr<comm::Link>> link(uint32_t rank, uint64_t group, comm::Deadline deadline,
                                           const comm::Interrupt& interrupt);

  // Fresh links to all of them by rank, null at this one's, when each of them asks.
  Result<std::vector<std::unique_ptr<comm::Link>>> links(uint64_t group, comm::Deadline deadline,
                                                         const comm::Interrupt& interrupt);

  // A peer that was admitted. A second one of its rank and group takes the place of the first.
  void joined(uint32_t rank, uint64_t group, std::unique_ptr<comm::Link> link);

 private:
  struct Joined {
    uint64_t group = 0;
    std::unique_ptr<comm::Link> link;
  };
  // Where that of the group is among those of `rank`; of nobody: their number. With mutex_ held.
  size_t place_of(uint32_t rank, uint64_t group) const;
  Status wait(std::unique_lock<std::mutex>& lock, comm::Deadline deadline,
              const comm::Interrupt& interrupt, const std::function<bool()>& done);
  Result<std::unique_ptr<comm::Link>> connect(uint32_t rank, uint64_t group,
                                              const std::string& address, comm::Deadline deadline,
                                              const comm::Interrupt& interrupt) const;

  const Identity& identity_;
  const std::string address_, ca_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::optional<std::vector<identity::Peer>> known_;  // guarded by mutex_
  // By rank, in order, what nobody took yet. Guarded by mutex_.
  std::map<uint32_t, std::vector<Joined>> joined_;
  Status end_;  // guarded by mutex_
};

}  // namespace moai::worker
