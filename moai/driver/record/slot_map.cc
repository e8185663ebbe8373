#include "moai/driver/record/slot_map.h"

namespace moai::driver {

uint32_t SlotMap::add(graph::StorageId id, size_t at) {
  const auto slot = static_cast<uint32_t>(storages_.size());
  storages_.push_back(id);
  table_[at] = {id, slot, generation_};
  if (storages_.size() * 2 <= table_.size()) return slot;
  table_.assign(table_.size() * 2, Entry{});
  for (uint32_t s = 0; s <= slot; ++s) {
    size_t to = index(storages_[s]);
    while (table_[to].generation == generation_) to = (to + 1) & (table_.size() - 1);
    table_[to] = {storages_[s], s, generation_};
  }
  return slot;
}

void SlotMap::clear() {
  storages_.clear();
  if (++generation_ != 0) return;
  table_.assign(table_.size(), Entry{});
  generation_ = 1;
}

}  // namespace moai::driver
