#include "moai/driver/mesh/shards.h"

#include <algorithm>
#include <limits>
#include <optional>
#include <utility>

namespace moai::driver {
namespace {

using compiler::LocalLayout;
using compiler::StorageLayout;
using compiler::StorageState;

}  // namespace

std::vector<Shards::Piece> Shards::pieces(const StorageState& state, size_t rank) const {
  if (!state.layout.is_on(mesh_, static_cast<int>(rank))) return {};
  if (state.layout.whole()) return {{0, 0, std::numeric_limits<uint64_t>::max()}};
  const uint64_t element = tensor::dtype_size(state.layout.dtype);
  std::vector<Piece> found;
  for (const LocalLayout::Piece& p : state.layout.part(mesh_, static_cast<int>(rank)).pieces()) {
    found.push_back({static_cast<uint64_t>(p.whole_begin) * element,
                     static_cast<uint64_t>(p.begin) * element,
                     static_cast<uint64_t>(p.count) * element});
  }
  return found;
}

void Shards::place(StorageId id, const StorageLayout& wanted) {
  Storages::Entry* e = storages_.find(id);
  if (!e) return;
  if (e->state.free) return send_held(id, wanted);
  move(id, {&mesh_, std::exchange(e->state.layout, wanted)}, {&mesh_, wanted});
}

void Shards::move(StorageId id, const Lie& from, const Lie& to) {
  const bool stays = same_axes(*from.mesh, *to.mesh) && from.layout == to.layout;
  if (stays || (from.layout.whole() && to.layout.whole())) return;
  StorageMove move{.storage = id, .from = from, .to = to};
  move.first_temporary = next_storage_.fetch_add(move.temporaries());
  for (size_t rank = 0; rank < ranks(); ++rank) {
    graph::Window calls = calls_of(move, rank, &signatures_);
    if (!calls.empty()) queue_.run(rank, std::move(calls));
  }
}

void Shards::send_held(StorageId id, const StorageLayout& layout) {
  Storages::Entry* e = storages_.find(id);
  const std::string bytes = storages_.release(id);
  e->state.layout = layout;
  for (size_t rank = 0; rank < ranks(); ++rank) {
    if (!layout.is_on(mesh_, static_cast<int>(rank))) continue;
    if (layout.whole()) {
      queue_.push(rank, dispatch::Upload{id, bytes.size(), 0, bytes});
      continue;
    }
    std::string part(layout.part_bytes(mesh_, static_cast<int>(rank)), '\0');
    for (const Piece& p : pieces(e->state, rank)) {
      part.replace(p.begin, p.size, bytes, p.whole_begin, p.size);
    }
    queue_.push(rank, dispatch::Upload{id, part.size(), 0, std::move(part)});
  }
}

void Shards::write(StorageId id, uint64_t storage_bytes, uint64_t offset, std::string_view bytes) {
  Storages::Entry* e = storages_.find(id);
  const uint64_t element = tensor::dtype_size(e->state.layout.dtype);
  // A part of an element belongs to no rank.
  if (offset % element || bytes.size() % element) place(id, {});
  for (size_t rank = 0; rank < ranks(); ++rank) {
    const uint64_t size = e->state.layout.whole()
                              ? storage_bytes
                              : e->state.layout.part_bytes(mesh_, static_cast<int>(rank));
    for (const Piece& p : pieces(e->state, rank)) {
      const uint64_t begin = std::max(p.whole_begin, offset);
      const uint64_t end = std::min(p.whole_begin + p.size, offset + bytes.size());
      if (begin >= end) continue;
      queue_.push(rank, dispatch::Upload{id, size, p.begin + begin - p.whole_begin,
                                         std::string(bytes.substr(begin - offset, end - begin))});
    }
  }
}

// Whether no rank before has the same part.
bool Shards::is_first_with(const StorageLayout& layout, size_t rank) const {
  if (!layout.is_on(mesh_, static_cast<int>(rank))) return false;
  for (size_t axis = 0; axis < mesh_.axes.size(); ++axis) {
    const bool one_has = axis < layout.placement.size() && !layout.placement[axis].replicated();
    if (!one_has && mesh_.coordinate(static_cast<int>(rank), axis) != 0) return false;
  }
  return true;
}

void Shards::read(const dispatch::ReadRange& range, size_t index,
                  std::vector<dispatch::Read>* reads, std::vector<Gathering::Copy>* copies) {
  Storages::Entry* e = storages_.find(range.storage);
  if (e && e->state.free) place(range.storage, {});
  const StorageState whole{.bytes = range.offset + range.size};
  const StorageState& state = e ? e->state : whole;
  for (size_t rank = 0; rank < ranks(); ++rank) {
    if (!is_first_with(state.layout, rank)) continue;
    std::vector<dispatch::ReadRange>& wanted = (*reads)[rank].ranges;
    std::optional<dispatch::ReadRange> asked;
    const size_t first = copies->size();
    for (const Piece& p : pieces(state, rank)) {
      const uint64_t begin = std::max(p.whole_begin, range.offset);
      const uint64_t end = std::min(p.whole_begin + p.size, range.offset + range.size);
      if (begin >= end) continue;
      const uint64_t at = p.begin + begin - p.whole_begin;
      if (!asked) asked = dispatch::ReadRange{range.storage, at, 0};
      asked->size = at + (end - begin) - asked->offset;
      copies->push_back({.rank = rank,
                         .rank_range = wanted.size(),
                         .range = index,
                         .from = at,
                         .to = begin - range.offset,
                         .size = end - begin});
    }
    if (!asked) continue;
    for (size_t i = first; i < copies->size(); ++i) (*copies)[i].from -= asked->offset;
    wanted.push_back(*asked);
  }
}

}  // namespace moai::driver
