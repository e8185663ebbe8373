// Store: the durable truth of SDAManager. One thread at a time.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "moai/base/status.h"
#include "moai/control/store/rows.h"

namespace moai::control {

// Everything that lives: history (released leases, events) stays in the store.
struct Snapshot {
  std::vector<TokenRow> tokens;
  std::vector<FlavorRow> flavors;
  std::vector<AcceleratorRow> accelerators;
  std::vector<SessionRow> sessions;
  std::vector<LeaseRow> leases;  // not released
  std::vector<AgentRow> agents;
  std::vector<OperationRow> operations;
  std::vector<CounterRow> counters;
};

class Store {
 public:
  virtual ~Store() = default;
  virtual Result<Snapshot> load() = 0;
  // One transaction: all changes in order or none, durable when it returns OK. A row replaces the
  // one with its id. RESOURCE_EXHAUSTED: the disk is full; UNAVAILABLE: another failure of the
  // disk. Both may be tried again.
  virtual Status commit(std::span<const Change> changes) = 0;
  // Events with an id above `after`, oldest first.
  virtual Result<std::vector<EventRow>> events(uint64_t after, uint32_t limit) = 0;
  // The newest `limit` events, oldest first.
  virtual Result<std::vector<EventRow>> newest_events(uint32_t limit) = 0;
  // Released leases of a token (0: of all), newest first.
  virtual Result<std::vector<LeaseRow>> history(uint64_t token_id, uint32_t limit) = 0;
  // Forgets operations older than `before_ns`.
  virtual Status prune_operations(int64_t before_ns) = 0;
};

}  // namespace moai::control
