#include "moai/control/store/memory_store.h"

#include <algorithm>

namespace moai::control {
namespace {

template <class Row>
std::vector<Row> rows_of(const std::map<uint64_t, Row>& table) {
  std::vector<Row> rows;
  rows.reserve(table.size());
  for (const auto& [id, row] : table) rows.push_back(row);
  return rows;
}

}  // namespace

Result<Snapshot> MemoryStore::load() {
  Snapshot s;
  s.tokens = rows_of(std::get<Table<TokenRow>>(tables_));
  s.flavors = rows_of(std::get<Table<FlavorRow>>(tables_));
  s.accelerators = rows_of(std::get<Table<AcceleratorRow>>(tables_));
  s.sessions = rows_of(std::get<Table<SessionRow>>(tables_));
  for (const auto& [id, row] : std::get<Table<LeaseRow>>(tables_))
    if (row.released_ns == 0) s.leases.push_back(row);
  s.agents = rows_of(std::get<Table<AgentRow>>(tables_));
  s.operations = rows_of(std::get<Table<OperationRow>>(tables_));
  s.counters = rows_of(std::get<Table<CounterRow>>(tables_));
  return s;
}

Status MemoryStore::commit(std::span<const Change> changes) {
  MOAI_RETURN_IF_ERROR(failure_);
  for (const Change& change : changes) {
    std::visit(
        [this](const auto& row) {
          using Row = std::decay_t<decltype(row)>;
          if constexpr (std::is_same_v<Row, DropAccelerator>)
            std::get<Table<AcceleratorRow>>(tables_).erase(row.id);
          else if constexpr (std::is_same_v<Row, DropSession>)
            std::get<Table<SessionRow>>(tables_).erase(row.id);
          else
            std::get<Table<Row>>(tables_)[row.id] = row;
        },
        change);
  }
  ++commits_;
  return ok_status();
}

Result<std::vector<EventRow>> MemoryStore::events(uint64_t after, uint32_t limit) {
  std::vector<EventRow> found;
  const auto& table = std::get<Table<EventRow>>(tables_);
  for (auto it = table.upper_bound(after); it != table.end() && found.size() < limit; ++it)
    found.push_back(it->second);
  return found;
}

Result<std::vector<EventRow>> MemoryStore::newest_events(uint32_t limit) {
  std::vector<EventRow> found;
  const auto& table = std::get<Table<EventRow>>(tables_);
  for (auto it = table.rbegin(); it != table.rend() && found.size() < limit; ++it)
    found.push_back(it->second);
  std::reverse(found.begin(), found.end());
  return found;
}

Result<std::vector<LeaseRow>> MemoryStore::history(uint64_t token_id, uint32_t limit) {
  std::vector<LeaseRow> found;
  const auto& table = std::get<Table<LeaseRow>>(tables_);
  for (auto it = table.rbegin(); it != table.rend() && found.size() < limit; ++it) {
    const LeaseRow& row = it->second;
    if (row.released_ns != 0 && (token_id == 0 || row.token_id == token_id)) found.push_back(row);
  }
  return found;
}

Status MemoryStore::prune_operations(int64_t before_ns) {
  MOAI_RETURN_IF_ERROR(failure_);
  std::erase_if(std::get<Table<OperationRow>>(tables_),
                [&](const auto& entry) { return entry.second.time_ns < before_ns; });
  return ok_status();
}

}  // namespace moai::control
