// StorageTable: the storages of one front, by the ids it gave them.
//
// Open addressing over a pool: a look-up costs a few nanoseconds, and a Storage stays where it is
// until it is erased. One thread.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "moai/base/status.h"
#include "moai/device/device.h"
#include "moai/graph/window.h"

namespace moai::worker {

using graph::StorageId;

// Why a storage holds nothing good: the call that failed first.
struct Cause {
  uint64_t sequence = 0;
  Code code = Code::kUnknown;
  std::string op{};
  std::string text{};
};
// Shared by the storages that the failure reached.
using CausePtr = std::shared_ptr<const Cause>;

struct Storage {
  StorageId id = 0;
  uint64_t size_bytes = 0;   // that the front counts on
  device::BufferPtr buffer;  // null without bytes, or where the call that makes it failed
  CausePtr poison;           // null: its content is good
};

class StorageTable {
 public:
  StorageTable() : cells_(kCellsMin) {}

  // Null when there is none.
  Storage* find(StorageId id) const {
    for (size_t at = home(id);; at = next(at)) {
      if (cells_[at].id == id) return cells_[at].storage;
      if (!cells_[at].storage) return nullptr;
    }
  }
  // Null when there is one already, or `id` is 0.
  Storage* insert(StorageId id, uint64_t size_bytes);
  // False when there is none.
  bool erase(StorageId id);
  size_t size() const { return size_; }
  template <class See>
  void each(const See& see) {
    for (const Cell& cell : cells_) {
      if (cell.storage) see(cell.storage);
    }
  }

 private:
  static constexpr size_t kCellsMin = 1024;  // a power of two

  struct Cell {
    StorageId id = 0;
    Storage* storage = nullptr;  // in pool_; null: free
  };
  size_t home(StorageId id) const { return (id * 0x9e3779b97f4a7c15u >> 20) & (cells_.size() - 1); }
  size_t next(size_t at) const { return (at + 1) & (cells_.size() - 1); }
  void place(StorageId id, Storage* storage);
  void grow();

  std::vector<Cell> cells_;  // at most half full
  size_t size_ = 0;
  std::deque<Storage> pool_;
  std::vector<Storage*> unused_;
};

}  // namespace moai::worker
