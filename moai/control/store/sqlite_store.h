// SqliteStore: the Store in one SQLite file (WAL, synchronous=FULL: a commit is on the disk before
// it returns). One process at a time: the file is held locked while it is open.
#pragma once

#include <memory>
#include <string>

#include "moai/control/store/store.h"

namespace moai::control {

inline constexpr int kSchemaVersion = 1;

// Makes the file and its tables when they are missing. FAILED_PRECONDITION: the file is of a newer
// schema, or another process has it open.
Result<std::unique_ptr<Store>> open_sqlite_store(const std::string& path);

}  // namespace moai::control
