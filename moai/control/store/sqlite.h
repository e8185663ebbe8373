// The few calls of SQLite that the store needs, with Status for errors. Only this inner room
// includes it.
#pragma once

#include <sqlite3.h>

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <tuple>
#include <type_traits>
#include <vector>

#include "moai/base/status.h"
#include "moai/control/store/rows.h"

namespace moai::control {

struct Finalize {
  void operator()(sqlite3_stmt* s) const { sqlite3_finalize(s); }
};
struct CloseDatabase {
  void operator()(sqlite3* db) const { sqlite3_close(db); }
};

// One prepared statement with its parameters bound. Use: bind(…) for each, then run() or rows().
class Statement {
 public:
  Statement(sqlite3* db, sqlite3_stmt* statement) : db_(db), s_(statement) {}
  ~Statement() {
    sqlite3_reset(s_);
    sqlite3_clear_bindings(s_);
  }
  Statement(const Statement&) = delete;
  Statement& operator=(const Statement&) = delete;

  void bind(int64_t v) { sqlite3_bind_int64(s_, ++at_, v); }
  void bind(uint64_t v) { bind(static_cast<int64_t>(v)); }
  void bind(uint32_t v) { bind(static_cast<int64_t>(v)); }
  void bind(int32_t v) { bind(static_cast<int64_t>(v)); }
  void bind(bool v) { bind(static_cast<int64_t>(v)); }
  void bind(LeaseState v) { bind(static_cast<int64_t>(v)); }
  void bind(const std::string& v) {
    sqlite3_bind_text64(s_, ++at_, v.data(), v.size(), SQLITE_STATIC, SQLITE_UTF8);
  }
  void bind(const Blob& v) { bind_bytes(v.bytes, SQLITE_STATIC); }
  void bind(const std::vector<LeaseWorker>& v);
  void bind(const std::vector<DeviceRow>& v);
  template <class Row>
  void bind_row(const Row& row) {
    std::apply([this](const auto&... column) { (bind(column), ...); }, fields(row));
  }

  Status run();
  // True: a row is there to be read.
  Result<bool> step();
  template <class Row>
  Row read_row() {
    Row row;
    at_ = 0;
    std::apply([this](auto&... column) { (read(column), ...); }, fields(row));
    return row;
  }
  int64_t read_int() { return sqlite3_column_int64(s_, at_++); }

 private:
  void bind_bytes(const std::string& v, sqlite3_destructor_type owner) {
    sqlite3_bind_blob64(s_, ++at_, v.data() ? v.data() : "", v.size(), owner);
  }
  template <class T>
    requires std::is_integral_v<T>
  void read(T& v) {
    v = static_cast<T>(read_int());
  }
  void read(LeaseState& v) { v = static_cast<LeaseState>(read_int()); }
  void read(std::string& v);
  void read(Blob& v) { read(v.bytes); }
  void read(std::vector<LeaseWorker>& v);
  void read(std::vector<DeviceRow>& v);

  sqlite3* db_;
  sqlite3_stmt* s_;
  int at_ = 0;
};

// An open database and its prepared statements, by text.
class Database {
 public:
  Status open(const std::string& path);
  Status execute(const std::string& sql);
  Result<sqlite3_stmt*> prepared(const std::string& sql);
  sqlite3* handle() { return db_.get(); }
  Status error(const std::string& what) const;

 private:
  std::unique_ptr<sqlite3, CloseDatabase> db_;
  std::map<std::string, std::unique_ptr<sqlite3_stmt, Finalize>> prepared_;
};

Status sqlite_error(sqlite3* db, const std::string& what);

}  // namespace moai::control
