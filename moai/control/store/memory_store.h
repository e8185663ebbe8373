// MemoryStore: the Store of tests and the simulator. fail_with() makes commits fail as a disk does.
#pragma once

#include <map>

#include "moai/control/store/store.h"

namespace moai::control {

class MemoryStore final : public Store {
 public:
  Result<Snapshot> load() override;
  Status commit(std::span<const Change> changes) override;
  Result<std::vector<EventRow>> events(uint64_t after, uint32_t limit) override;
  Result<std::vector<EventRow>> newest_events(uint32_t limit) override;
  Result<std::vector<LeaseRow>> history(uint64_t token_id, uint32_t limit) override;
  Status prune_operations(int64_t before_ns) override;

  void fail_with(Status status) { failure_ = std::move(status); }
  uint64_t commits() const { return commits_; }

 private:
  template <class Row>
  using Table = std::map<uint64_t, Row>;

  std::tuple<Table<TokenRow>, Table<FlavorRow>, Table<AcceleratorRow>, Table<SessionRow>,
             Table<LeaseRow>, Table<AgentRow>, Table<EventRow>, Table<OperationRow>,
             Table<CounterRow>>
      tables_;
  Status failure_;
  uint64_t commits_ = 0;
};

}  // namespace moai::control
