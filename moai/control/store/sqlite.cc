#include "moai/control/store/sqlite.h"

#include "moai/base/bytes.h"

namespace moai::control {

Status sqlite_error(sqlite3* db, const std::string& what) {
  const int code = sqlite3_errcode(db) & 0xff;
  const std::string text = "[control.store] " + what + ": " + sqlite3_errmsg(db);
  if (code == SQLITE_FULL)
    return resource_exhausted(text + "; the disk of SDAManager's database is full");
  if (code == SQLITE_CORRUPT || code == SQLITE_NOTADB) return data_loss(text);
  if (code == SQLITE_CONSTRAINT || code == SQLITE_MISUSE || code == SQLITE_ERROR)
    return internal_error(text);
  return unavailable(text);
}

void Statement::bind(const std::vector<LeaseWorker>& workers) {
  std::string bytes;
  Writer w(&bytes);
  w.varint(workers.size());
  for (const LeaseWorker& worker : workers) {
    w.varint(worker.agent_id);
    w.varint(worker.device);
    w.bytes(worker.address);
    w.bytes(worker.secret);
    w.zigzag(worker.pid);
    w.u8(worker.ended);
  }
  bind_bytes(bytes, SQLITE_TRANSIENT);
}

void Statement::read(std::vector<LeaseWorker>& workers) {
  std::string bytes;
  read(bytes);
  Reader r(bytes);
  workers.resize(r.count(6));
  for (LeaseWorker& worker : workers) {
    worker.agent_id = r.varint();
    worker.device = static_cast<uint32_t>(r.varint());
    worker.address = r.bytes();
    worker.secret = r.bytes();
    worker.pid = r.zigzag();
    worker.ended = r.u8() != 0;
  }
}

void Statement::bind(const std::vector<DeviceRow>& devices) {
  std::string bytes;
  Writer w(&bytes);
  w.varint(devices.size());
  for (const DeviceRow& device : devices) {
    w.varint(device.index);
    w.bytes(device.kind);
    w.bytes(device.model);
    w.varint(device.memory_bytes);
    w.u8(device.simulated);
  }
  bind_bytes(bytes, SQLITE_TRANSIENT);
}

void Statement::read(std::vector<DeviceRow>& devices) {
  std::string bytes;
  read(bytes);
  Reader r(bytes);
  devices.resize(r.count(5));
  for (DeviceRow& device : devices) {
    device.index = static_cast<uint32_t>(r.varint());
    device.kind = r.bytes();
    device.model = r.bytes();
    device.memory_bytes = r.varint();
    device.simulated = r.u8() != 0;
  }
}

void Statement::read(std::string& v) {
  const void* data = sqlite3_column_blob(s_, at_);
  const int size = sqlite3_column_bytes(s_, at_++);
  v.assign(static_cast<const char*>(data ? data : ""), static_cast<size_t>(size));
}

Result<bool> Statement::step() {
  const int code = sqlite3_step(s_);
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) return false;
  return sqlite_error(db_, "the database refused a statement");
}

Status Statement::run() {
  MOAI_ASSIGN_OR_RETURN(bool more, step());
  while (more) {
    MOAI_ASSIGN_OR_RETURN(more, step());
  }
  return ok_status();
}

Status Database::open(const std::string& path) {
  sqlite3* db = nullptr;
  const int code = sqlite3_open_v2(
      path.c_str(), &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, nullptr);
  db_.reset(db);
  if (code != SQLITE_OK) return error("cannot open " + path);
  return ok_status();
}

Status Database::error(const std::string& what) const {
  if (!db_) return unavailable("[control.store] " + what);
  return sqlite_error(db_.get(), what);
}

Status Database::execute(const std::string& sql) {
  if (sqlite3_exec(db_.get(), sql.c_str(), nullptr, nullptr, nullptr) == SQLITE_OK)
    return ok_status();
  return error("the database refused \"" + sql.substr(0, 60) + "\"");
}

Result<sqlite3_stmt*> Database::prepared(const std::string& sql) {
  if (auto it = prepared_.find(sql); it != prepared_.end()) return it->second.get();
  sqlite3_stmt* statement = nullptr;
  if (sqlite3_prepare_v3(db_.get(), sql.c_str(), static_cast<int>(sql.size()),
                         SQLITE_PREPARE_PERSISTENT, &statement, nullptr) != SQLITE_OK)
    return error("the database refused \"" + sql.substr(0, 60) + "\"");
  prepared_.emplace(sql, statement);
  return statement;
}

}  // namespace moai::control
