#include "moai/worker/memory/storage_table.h"

#include <utility>

namespace moai::worker {

void StorageTable::place(StorageId id, Storage* storage) {
  size_t at = home(id);
  while (cells_[at].storage) at = next(at);
  cells_[at] = {id, storage};
}

void StorageTable::grow() {
  std::vector<Cell> old(cells_.size() * 2);
  old.swap(cells_);
  for (const Cell& cell : old) {
    if (cell.storage) place(cell.id, cell.storage);
  }
}

Storage* StorageTable::insert(StorageId id, uint64_t size_bytes) {
  if (id == 0 || find(id)) return nullptr;
  if (2 * (size_ + 1) > cells_.size()) grow();
  if (unused_.empty()) unused_.push_back(&pool_.emplace_back());
  Storage* storage = unused_.back();
  unused_.pop_back();
  storage->id = id;
  storage->size_bytes = size_bytes;
  place(id, storage);
  ++size_;
  return storage;
}

bool StorageTable::erase(StorageId id) {
  size_t at = home(id);
  while (cells_[at].storage && cells_[at].id != id) at = next(at);
  if (!cells_[at].storage) return false;
  *cells_[at].storage = Storage{};
  unused_.push_back(cells_[at].storage);
  --size_;
  // Closes the gap, so that every storage stays reachable from its home.
  size_t gap = at;
  for (size_t i = next(at); cells_[i].storage; i = next(i)) {
    const size_t distance = (i - home(cells_[i].id)) & (cells_.size() - 1);
    const size_t to_gap = (i - gap) & (cells_.size() - 1);
    if (distance < to_gap) continue;
    cells_[gap] = cells_[i];
    gap = i;
  }
  cells_[gap] = {};
  return true;
}

}  // namespace moai::worker
