#include "moai/control/store/sqlite_store.h"

#include <utility>

#include "moai/control/store/sqlite.h"

namespace moai::control {
namespace {

// Columns stand in the order of fields().
constexpr const char* kSchema = R"(
CREATE TABLE tokens (id INTEGER PRIMARY KEY, description TEXT NOT NULL, hash BLOB NOT NULL,
  priority INTEGER NOT NULL, admin INTEGER NOT NULL, accelerators_max INTEGER NOT NULL,
  devices_max INTEGER NOT NULL, default_accelerator INTEGER NOT NULL, revoked INTEGER NOT NULL,
  created_ns INTEGER NOT NULL) STRICT;
CREATE TABLE flavors (id INTEGER PRIMARY KEY, position INTEGER NOT NULL, name TEXT NOT NULL,
  devices INTEGER NOT NULL, memory_bytes INTEGER NOT NULL) STRICT;
CREATE TABLE accelerators (id INTEGER PRIMARY KEY, token_id INTEGER NOT NULL,
  number INTEGER NOT NULL, flavor_id INTEGER NOT NULL) STRICT;
CREATE TABLE sessions (id INTEGER PRIMARY KEY, token_id INTEGER NOT NULL,
  accelerator_id INTEGER NOT NULL, job_id INTEGER NOT NULL, flavor_id INTEGER NOT NULL,
  own_accelerator INTEGER NOT NULL, resume_hash BLOB NOT NULL, pid INTEGER NOT NULL,
  command TEXT NOT NULL, hostname TEXT NOT NULL, user TEXT NOT NULL, client TEXT NOT NULL,
  opened_ns INTEGER NOT NULL) STRICT;
CREATE TABLE leases (id INTEGER PRIMARY KEY, job_id INTEGER NOT NULL, session_id INTEGER NOT NULL,
  token_id INTEGER NOT NULL, accelerator_id INTEGER NOT NULL, accelerator INTEGER NOT NULL,
  flavor_id INTEGER NOT NULL, flavor TEXT NOT NULL, devices INTEGER NOT NULL,
  priority INTEGER NOT NULL, state INTEGER NOT NULL, epoch INTEGER NOT NULL,
  requested_ns INTEGER NOT NULL, granted_ns INTEGER NOT NULL, ended_ns INTEGER NOT NULL,
  released_ns INTEGER NOT NULL, cause TEXT NOT NULL, pid INTEGER NOT NULL, command TEXT NOT NULL,
  hostname TEXT NOT NULL, user TEXT NOT NULL, client TEXT NOT NULL, workers BLOB NOT NULL) STRICT;
CREATE INDEX leases_live ON leases (id) WHERE released_ns = 0;
CREATE INDEX leases_token ON leases (token_id, id);
CREATE TABLE agents (id INTEGER PRIMARY KEY, name TEXT NOT NULL, host TEXT NOT NULL,
  version TEXT NOT NULL, pid INTEGER NOT NULL, self_fence_ms INTEGER NOT NULL,
  devices BLOB NOT NULL) STRICT;
CREATE TABLE events (id INTEGER PRIMARY KEY, time_ns INTEGER NOT NULL, kind TEXT NOT NULL,
  subject TEXT NOT NULL, actor TEXT NOT NULL, cause TEXT NOT NULL) STRICT;
CREATE TABLE operations (id INTEGER PRIMARY KEY, key TEXT NOT NULL, response BLOB NOT NULL,
  time_ns INTEGER NOT NULL) STRICT;
CREATE TABLE counters (id INTEGER PRIMARY KEY, value INTEGER NOT NULL) STRICT;
)";

template <class Row>
constexpr const char* kTable = nullptr;
template <>
constexpr const char* kTable<TokenRow> = "tokens";
template <>
constexpr const char* kTable<FlavorRow> = "flavors";
template <>
constexpr const char* kTable<AcceleratorRow> = "accelerators";
template <>
constexpr const char* kTable<SessionRow> = "sessions";
template <>
constexpr const char* kTable<LeaseRow> = "leases";
template <>
constexpr const char* kTable<AgentRow> = "agents";
template <>
constexpr const char* kTable<EventRow> = "events";
template <>
constexpr const char* kTable<OperationRow> = "operations";
template <>
constexpr const char* kTable<CounterRow> = "counters";

template <class Row>
const std::string& put_sql() {
  static const std::string sql = [] {
    constexpr size_t kColumns = std::tuple_size_v<decltype(fields(std::declval<Row&>()))>;
    std::string text = std::string("INSERT OR REPLACE INTO ") + kTable<Row> + " VALUES (?";
    for (size_t i = 1; i < kColumns; ++i) text += ",?";
    return text + ")";
  }();
  return sql;
}

class SqliteStore final : public Store {
 public:
  Status open(const std::string& path) {
    MOAI_RETURN_IF_ERROR(db_.open(path));
    MOAI_RETURN_IF_ERROR(db_.execute("PRAGMA locking_mode=EXCLUSIVE"));
    const Status locked = db_.execute("PRAGMA journal_mode=WAL");
    if ((sqlite3_errcode(db_.handle()) & 0xff) == SQLITE_BUSY)
      return failed_precondition("[control.store] another SDAManager has " + path + " open");
    MOAI_RETURN_IF_ERROR(locked);
    MOAI_RETURN_IF_ERROR(db_.execute("PRAGMA synchronous=FULL"));
    return prepare_schema(path);
  }

  Result<Snapshot> load() override {
    Snapshot s;
    MOAI_RETURN_IF_ERROR(read_all(&s.tokens, ""));
    MOAI_RETURN_IF_ERROR(read_all(&s.flavors, ""));
    MOAI_RETURN_IF_ERROR(read_all(&s.accelerators, ""));
    MOAI_RETURN_IF_ERROR(read_all(&s.sessions, ""));
    MOAI_RETURN_IF_ERROR(read_all(&s.leases, " WHERE released_ns = 0"));
    MOAI_RETURN_IF_ERROR(read_all(&s.agents, ""));
    MOAI_RETURN_IF_ERROR(read_all(&s.operations, ""));
    MOAI_RETURN_IF_ERROR(read_all(&s.counters, ""));
    return s;
  }

  Status commit(std::span<const Change> changes) override {
    MOAI_RETURN_IF_ERROR(db_.execute("BEGIN IMMEDIATE"));
    Status status = apply(changes);
    if (status.ok()) status = db_.execute("COMMIT");
    if (!status.ok() && sqlite3_get_autocommit(db_.handle()) == 0)
      db_.execute("ROLLBACK").ignore("the first error is the one to report");
    return status;
  }

  Result<std::vector<EventRow>> events(uint64_t after, uint32_t limit) override {
    return select<EventRow>("SELECT * FROM events WHERE id > ? ORDER BY id LIMIT ?", after, limit);
  }

  Result<std::vector<EventRow>> newest_events(uint32_t limit) override {
    return select<EventRow>(
        "SELECT * FROM (SELECT * FROM events ORDER BY id DESC LIMIT ?) ORDER BY id", limit);
  }

  Result<std::vector<LeaseRow>> history(uint64_t token_id, uint32_t limit) override {
    if (token_id == 0)
      return select<LeaseRow>(
          "SELECT * FROM leases WHERE released_ns <> 0 ORDER BY id DESC LIMIT ?", limit);
    return select<LeaseRow>(
        "SELECT * FROM leases WHERE released_ns <> 0 AND token_id = ? ORDER BY id DESC LIMIT ?",
        token_id, limit);
  }

  Status prune_operations(int64_t before_ns) override {
    MOAI_ASSIGN_OR_RETURN(sqlite3_stmt * s,
                          db_.prepared("DELETE FROM operations WHERE time_ns < ?"));
    Statement statement(db_.handle(), s);
    statement.bind(before_ns);
    return statement.run();
  }

 private:
  Status prepare_schema(const std::string& path) {
    MOAI_ASSIGN_OR_RETURN(sqlite3_stmt * s, db_.prepared("PRAGMA user_version"));
    int64_t version = 0;
    {
      Statement statement(db_.handle(), s);
      MOAI_ASSIGN_OR_RETURN(const bool found, statement.step());
      if (found) version = statement.read_int();
    }
    if (version > kSchemaVersion)
      return failed_precondition("[control.store] " + path + " has schema " +
                                 std::to_string(version) + ", this SDAManager knows " +
                                 std::to_string(kSchemaVersion) + "; run the newer version");
    if (version == kSchemaVersion) return ok_status();
    return db_.execute(std::string("BEGIN IMMEDIATE;") + kSchema +
                       "PRAGMA user_version=" + std::to_string(kSchemaVersion) + ";COMMIT");
  }

  template <class Row>
  Status put(const Row& row) {
    MOAI_ASSIGN_OR_RETURN(sqlite3_stmt * s, db_.prepared(put_sql<Row>()));
    Statement statement(db_.handle(), s);
    statement.bind_row(row);
    return statement.run();
  }

  Status drop(const char* table, uint64_t id) {
    MOAI_ASSIGN_OR_RETURN(sqlite3_stmt * s,
                          db_.prepared(std::string("DELETE FROM ") + table + " WHERE id = ?"));
    Statement statement(db_.handle(), s);
    statement.bind(id);
    return statement.run();
  }

  Status apply(std::span<const Change> changes) {
    for (const Change& change : changes) {
      MOAI_RETURN_IF_ERROR(std::visit(
          [this](const auto& row) {
            using Row = std::decay_t<decltype(row)>;
            if constexpr (std::is_same_v<Row, DropAccelerator>)
              return drop("accelerators", row.id);
            else if constexpr (std::is_same_v<Row, DropSession>)
              return drop("sessions", row.id);
            else
              return put(row);
          },
          change));
    }
    return ok_status();
  }

  template <class Row, class... Args>
  Result<std::vector<Row>> select(const std::string& sql, Args... args) {
    MOAI_ASSIGN_OR_RETURN(sqlite3_stmt * s, db_.prepared(sql));
    Statement statement(db_.handle(), s);
    (statement.bind(args), ...);
    std::vector<Row> rows;
    while (true) {
      MOAI_ASSIGN_OR_RETURN(const bool more, statement.step());
      if (!more) return rows;
      rows.push_back(statement.read_row<Row>());
    }
  }

  template <class Row>
  Status read_all(std::vector<Row>* rows, const char* where) {
    MOAI_ASSIGN_OR_RETURN(
        *rows, select<Row>(std::string("SELECT * FROM ") + kTable<Row> + where + " ORDER BY id"));
    return ok_status();
  }

  Database db_;
};

}  // namespace

Result<std::unique_ptr<Store>> open_sqlite_store(const std::string& path) {
  auto store = std::make_unique<SqliteStore>();
  MOAI_RETURN_IF_ERROR(store->open(path));
  return std::unique_ptr<Store>(std::move(store));
}

}  // namespace moai::control
