#include "moai/control/store/ledger.h"

namespace moai::control {
namespace {

template <class Row>
void fill(std::map<uint64_t, Row>* table, std::vector<Row> rows) {
  for (Row& row : rows) table->emplace(row.id, std::move(row));
}

}  // namespace

Status Ledger::load() {
  MOAI_ASSIGN_OR_RETURN(Snapshot s, store_->load());
  for (const TokenRow& row : s.tokens) token_hashes_[row.hash.bytes] = row.id;
  for (const SessionRow& row : s.sessions) resume_hashes_[row.resume_hash.bytes] = row.id;
  for (const AcceleratorRow& row : s.accelerators)
    accelerator_numbers_[{row.token_id, row.number}] = row.id;
  for (const LeaseRow& row : s.leases) index_lease(row, true);
  for (OperationRow& row : s.operations) operations_.emplace(row.key, std::move(row));
  for (const CounterRow& row : s.counters) counters_[row.id] = row.value;
  fill(&tokens_, std::move(s.tokens));
  fill(&flavors_, std::move(s.flavors));
  fill(&accelerators_, std::move(s.accelerators));
  fill(&sessions_, std::move(s.sessions));
  fill(&leases_, std::move(s.leases));
  fill(&agents_, std::move(s.agents));
  return ok_status();
}

const AcceleratorRow* Ledger::accelerator_of(uint64_t token_id, uint32_t number) const {
  const auto it = accelerator_numbers_.find({token_id, number});
  return it == accelerator_numbers_.end() ? nullptr : accelerator(it->second);
}

const TokenRow* Ledger::token_by_hash(const std::string& hash) const {
  const auto it = token_hashes_.find(hash);
  return it == token_hashes_.end() ? nullptr : token(it->second);
}

const SessionRow* Ledger::session_by_resume(const std::string& hash) const {
  const auto it = resume_hashes_.find(hash);
  return it == resume_hashes_.end() ? nullptr : session(it->second);
}

const LeaseRow* Ledger::lease_by_epoch(uint64_t epoch) const {
  const auto it = epochs_.find(epoch);
  return it == epochs_.end() ? nullptr : lease(it->second);
}

const LeaseRow* Ledger::lease_of_session(uint64_t session_id) const {
  const auto it = session_leases_.find(session_id);
  return it == session_leases_.end() ? nullptr : lease(it->second);
}

const OperationRow* Ledger::operation(const std::string& key) const {
  const auto it = operations_.find(key);
  return it == operations_.end() ? nullptr : &it->second;
}

void Ledger::record(Change change, bool urgent) {
  changes_.push_back(std::move(change));
  if (!urgent) return;
  urgent_ = true;
  ++urgent_changes_;
}

void Ledger::put(const TokenRow& row) {
  tokens_[row.id] = row;
  token_hashes_[row.hash.bytes] = row.id;
  record(row);
}

void Ledger::put(const FlavorRow& row) {
  flavors_[row.id] = row;
  record(row);
}

void Ledger::put(const AcceleratorRow& row) {
  accelerators_[row.id] = row;
  accelerator_numbers_[{row.token_id, row.number}] = row.id;
  record(row);
}

void Ledger::put(const SessionRow& row) {
  sessions_[row.id] = row;
  resume_hashes_[row.resume_hash.bytes] = row.id;
  record(row);
}

void Ledger::put(const AgentRow& row) {
  agents_[row.id] = row;
  record(row);
}

void Ledger::put(const OperationRow& row, Blob stored) {
  operations_[row.key] = row;
  OperationRow kept = row;
  kept.response = std::move(stored);
  record(std::move(kept));
}

void Ledger::index_lease(const LeaseRow& row, bool in) {
  const QueueKey key{-row.priority, row.requested_ns, row.id};
  if (in && is_waiting(row.state))
    queue_.insert(key);
  else
    queue_.erase(key);
  if (in && row.epoch != 0)
    epochs_[row.epoch] = row.id;
  else if (row.epoch != 0)
    epochs_.erase(row.epoch);
  const bool session_has = is_waiting(row.state) || is_held(row.state);
  if (in && session_has) {
    session_leases_[row.session_id] = row.id;
  } else if (const auto it = session_leases_.find(row.session_id);
             it != session_leases_.end() && it->second == row.id) {
    session_leases_.erase(it);
  }
}

void Ledger::put(const LeaseRow& row, bool urgent) {
  const LeaseRow copy = row;  // `row` may be the live one
  if (const auto it = leases_.find(copy.id); it != leases_.end()) index_lease(it->second, false);
  if (copy.released_ns == 0) {
    leases_[copy.id] = copy;
    index_lease(copy, true);
  } else {
    leases_.erase(copy.id);
  }
  record(copy, urgent);
}

void Ledger::drop_accelerator(uint64_t id) {
  if (const AcceleratorRow* row = accelerator(id))
    accelerator_numbers_.erase({row->token_id, row->number});
  accelerators_.erase(id);
  record(DropAccelerator{id});
}

void Ledger::drop_session(uint64_t id) {
  if (const SessionRow* row = session(id)) resume_hashes_.erase(row->resume_hash.bytes);
  sessions_.erase(id);
  record(DropSession{id});
}

uint64_t Ledger::next(Counter counter) {
  const auto id = static_cast<uint64_t>(counter);
  dirty_counters_.insert(id);
  return ++counters_[id];
}

void Ledger::add_event(int64_t now_ns, std::string_view kind, std::string_view subject,
                       std::string_view actor, std::string_view cause) {
  record(EventRow{next(Counter::kEvent), now_ns, std::string(kind), std::string(subject),
                  std::string(actor), std::string(cause)},
         false);
}

Status Ledger::commit() {
  if (changes_.empty()) return ok_status();
  for (const uint64_t id : dirty_counters_) changes_.push_back(CounterRow{id, counters_[id]});
  dirty_counters_.clear();
  failure_ = store_->commit(changes_);
  if (!failure_.ok()) return failure_;
  changes_.clear();
  urgent_ = false;
  return ok_status();
}

}  // namespace moai::control
