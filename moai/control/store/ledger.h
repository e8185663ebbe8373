// Ledger: the live rows in memory, and the changes that wait for the next commit.
//
// Readers see changes at once; the outside world may hear of them only after commit() (the owner
// holds messages back until then). A failed commit keeps the changes for the next try, so memory is
// never behind what was promised and never promises what is not durable. One thread.
#pragma once

#include <functional>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>

#include "moai/control/store/store.h"

namespace moai::control {

class Ledger {
 public:
  explicit Ledger(Store* store) : store_(store) {}

  // Reads everything; call once before use.
  Status load();

  template <class Row>
  using Table = std::map<uint64_t, Row>;
  const Table<TokenRow>& tokens() const { return tokens_; }
  const Table<FlavorRow>& flavors() const { return flavors_; }
  const Table<AcceleratorRow>& accelerators() const { return accelerators_; }
  const Table<SessionRow>& sessions() const { return sessions_; }
  const Table<LeaseRow>& leases() const { return leases_; }  // not released
  const Table<AgentRow>& agents() const { return agents_; }

  // Null when there is none.
  const TokenRow* token(uint64_t id) const { return find(tokens_, id); }
  const FlavorRow* flavor(uint64_t id) const { return find(flavors_, id); }
  const AcceleratorRow* accelerator(uint64_t id) const { return find(accelerators_, id); }
  const SessionRow* session(uint64_t id) const { return find(sessions_, id); }
  const LeaseRow* lease(uint64_t id) const { return find(leases_, id); }
  const AgentRow* agent(uint64_t id) const { return find(agents_, id); }
  const AcceleratorRow* accelerator_of(uint64_t token_id, uint32_t number) const;
  const TokenRow* token_by_hash(const std::string& hash) const;
  const SessionRow* session_by_resume(const std::string& hash) const;
  const LeaseRow* lease_by_epoch(uint64_t epoch) const;
  // The lease a session has or waits for, not one that is ending. Null: none.
  const LeaseRow* lease_of_session(uint64_t session_id) const;
  const OperationRow* operation(const std::string& key) const;
  // Lease ids that wait: higher priority first, then the older request.
  struct QueueKey {
    int32_t negative_priority;
    int64_t requested_ns;
    uint64_t lease_id;
    auto operator<=>(const QueueKey&) const = default;
  };
  const std::set<QueueKey>& queue() const { return queue_; }

  void put(const TokenRow& row);
  void put(const FlavorRow& row);
  void put(const AcceleratorRow& row);
  void put(const SessionRow& row);
  void put(const AgentRow& row);
  // `stored` is what the store keeps in the place of the response: without its secrets.
  void put(const OperationRow& row, Blob stored);
  // `urgent` false: the change may wait for a later commit, because it can be learnt again from the
  // agents after a crash. A row with released_ns leaves the live rows.
  void put(const LeaseRow& row, bool urgent = true);
  void drop_accelerator(uint64_t id);
  void drop_session(uint64_t id);
  uint64_t next(Counter counter);
  void add_event(int64_t now_ns, std::string_view kind, std::string_view subject,
                 std::string_view actor, std::string_view cause);

  // Counts urgent changes since the start, so that a caller can tell whether it made one.
  uint64_t urgent_changes() const { return urgent_changes_; }
  bool urgent() const { return urgent_; }
  bool pending() const { return !changes_.empty(); }
  // The last commit failed and has not succeeded since.
  const Status& failure() const { return failure_; }
  // Writes everything pending as one transaction.
  Status commit();
  Store& store() { return *store_; }

 private:
  template <class Row>
  static const Row* find(const Table<Row>& table, uint64_t id) {
    const auto it = table.find(id);
    return it == table.end() ? nullptr : &it->second;
  }
  void record(Change change, bool urgent = true);
  void index_lease(const LeaseRow& row, bool in);

  Store* store_;  // not owned
  Table<TokenRow> tokens_;
  Table<FlavorRow> flavors_;
  Table<AcceleratorRow> accelerators_;
  Table<SessionRow> sessions_;
  Table<LeaseRow> leases_;
  Table<AgentRow> agents_;
  std::unordered_map<std::string, uint64_t> token_hashes_, resume_hashes_;
  std::map<std::pair<uint64_t, uint32_t>, uint64_t> accelerator_numbers_;
  std::unordered_map<std::string, OperationRow> operations_;
  std::unordered_map<uint64_t, uint64_t> epochs_, session_leases_;
  std::set<QueueKey> queue_;
  std::map<uint64_t, uint64_t> counters_;
  std::set<uint64_t> dirty_counters_;
  std::vector<Change> changes_;
  Status failure_;
  bool urgent_ = false;
  uint64_t urgent_changes_ = 0;
};

}  // namespace moai::control
