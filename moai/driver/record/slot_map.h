// SlotMap: numbers the storages of a window in order of first use.
//
// One probe a storage; forgetting all of them costs nothing. Not thread-safe.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "moai/graph/window.h"

namespace moai::driver {

class SlotMap {
 public:
  SlotMap() : table_(kFirstEntries) {}

  // The slot of `id`; the next one when it is new.
  uint32_t slot(graph::StorageId id) {
    size_t at = index(id);
    while (table_[at].generation == generation_) {
      if (table_[at].id == id) return table_[at].slot;
      at = (at + 1) & (table_.size() - 1);
    }
    return add(id, at);
  }
  std::optional<uint32_t> find(graph::StorageId id) const {
    for (size_t at = index(id); table_[at].generation == generation_;
         at = (at + 1) & (table_.size() - 1)) {
      if (table_[at].id == id) return table_[at].slot;
    }
    return std::nullopt;
  }
  // The storages by slot.
  const std::vector<graph::StorageId>& storages() const { return storages_; }
  void clear();

 private:
  static constexpr size_t kFirstEntries = 1024;  // a power of two, as every size of the table
  struct Entry {
    graph::StorageId id = 0;
    uint32_t slot = 0;
    uint32_t generation = 0;  // the entry counts when it is the current one
  };

  size_t index(graph::StorageId id) const {
    return (id * 0x9e3779b97f4a7c15ull >> 20) & (table_.size() - 1);
  }
  uint32_t add(graph::StorageId id, size_t at);

  std::vector<Entry> table_;
  std::vector<graph::StorageId> storages_;
  uint32_t generation_ = 1;
};

}  // namespace moai::driver
