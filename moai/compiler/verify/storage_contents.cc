#include "moai/compiler/verify/storage_contents.h"

#include <algorithm>

namespace moai::compiler {

using graph::StorageId;

bool StorageContents::make(StorageId id, std::vector<uint64_t> bytes) {
  return storages_.try_emplace(id, Storage{std::move(bytes), {}}).second;
}

bool StorageContents::release(StorageId id) {
  const auto found = storages_.find(id);
  if (found == storages_.end()) return false;
  for (const Cell& c : found->second.cells) lose(c.held, {id, c.begin}, State::kReleased);
  storages_.erase(found);
  return true;
}

bool StorageContents::has_room(StorageId id, size_t rank, int64_t bytes) const {
  const std::vector<uint64_t>& there = storages_.at(id).bytes;
  return there.empty() || static_cast<uint64_t>(bytes) <= there[rank];
}

std::vector<StorageId> StorageContents::all() const {
  std::vector<StorageId> ids;
  for (const auto& [id, storage] : storages_) ids.push_back(id);
  std::ranges::sort(ids);
  return ids;
}

void StorageContents::put(RegisterId r, Place place, int64_t bytes) {
  std::vector<Cell>& cells = storages_.at(place.storage).cells;
  const Cell cell{place.begin, place.begin + bytes, r};
  auto first = std::ranges::lower_bound(cells, cell.begin, {}, &Cell::begin);
  if (first != cells.begin() && std::prev(first)->end > cell.begin) --first;
  auto last = first;
  for (; last != cells.end() && last->begin < cell.end; ++last) {
    lose(last->held, {place.storage, last->begin}, State::kOverwritten);
  }
  cells.insert(cells.erase(first, last), cell);
  held_[r] = {State::kHeld, place};
}

// What was put back has a copy that is no loss.
void StorageContents::lose(RegisterId r, Place place, State how) {
  if (held_[r].place == place) held_[r].state = how;
}

RegisterId StorageContents::at(Place place) const {
  const auto found = storages_.find(place.storage);
  if (found == storages_.end()) return kNone;
  const std::vector<Cell>& cells = found->second.cells;
  const auto cell = std::ranges::lower_bound(cells, place.begin, {}, &Cell::begin);
  return cell != cells.end() && cell->begin == place.begin ? cell->held : kNone;
}

const StorageContents::Place* StorageContents::of(RegisterId r) const {
  return held_[r].state == State::kHeld ? &held_[r].place : nullptr;
}

std::optional<StorageContents::Place> StorageContents::in(StorageId id, RegisterId r) const {
  if (held_[r].state == State::kForgotten) return std::nullopt;
  if (held_[r].state == State::kHeld && held_[r].place.storage == id) return held_[r].place;
  const auto found = storages_.find(id);
  if (found == storages_.end()) return std::nullopt;
  const auto cell = std::ranges::find(found->second.cells, r, &Cell::held);
  if (cell == found->second.cells.end()) return std::nullopt;
  return Place{id, cell->begin};
}

std::string StorageContents::lost_text(RegisterId r) const {
  const std::string where = "s" + std::to_string(held_[r].place.storage);
  switch (held_[r].state) {
    case State::kUnmade:
      return "was not made yet";
    case State::kHeld:
      return "lies in " + where;
    case State::kOverwritten:
      return "was overwritten in " + where;
    case State::kReleased:
      return "was released with " + where;
    case State::kForgotten:
      return "was made in a region that may be skipped";
  }
  return {};
}

}  // namespace moai::compiler
