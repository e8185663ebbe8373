#include "moai/driver/mesh/relocation.h"

#include <algorithm>
#include <unordered_set>

namespace moai::driver {
namespace {

using compiler::StorageLayout;
using compiler::StorageState;

// A move has the storage whole, and beside its part before the one that is cut and a copy of it.
constexpr uint64_t kCopies = 3;

uint64_t part_bytes(uint64_t bytes, const StorageLayout& layout, const compiler::Mesh& mesh,
                    int rank) {
  return layout.whole() ? bytes : layout.part_bytes(mesh, rank);
}

}  // namespace

Relocation::Relocation(Storages* storages, const compiler::Mesh* from, const compiler::Mesh* to,
                       const graph::Window& w)
    : storages_(*storages), from_(*from), to_(*to) {
  const std::unordered_set<StorageId> planned(w.storages.begin(), w.storages.end());
  storages_.each([&](StorageId id, const StorageState& state) {
    if (!state.free) before_.emplace_back(id, state.layout);
  });
  std::ranges::sort(before_, {}, &std::pair<StorageId, StorageLayout>::first);
  for (const auto& [id, layout] : before_) {
    const bool asked = planned.contains(id) || layout.whole();
    storages_.find(id)->state.layout = asked ? StorageLayout{} : layout_on(to_, layout);
  }
}

void Relocation::want(StorageId id, const StorageLayout& layout) {
  Storages::Entry* e = storages_.find(id);
  if (e && !e->state.free) e->state.layout = layout;
}

uint64_t Relocation::rank_bytes() const {
  uint64_t largest = 0, most = 0;
  for (const auto& [id, layout] : before_) {
    const StorageState& state = *storages_.state(id);
    if (!layout.whole() || !state.layout.whole()) largest = std::max(largest, state.bytes);
  }
  // Of the ranks of a stage, the first has most.
  const int step = std::min(from_.stage_ranks(), to_.stage_ranks());
  for (int rank = 0; rank < from_.ranks(); rank += step) {
    uint64_t all = 0;
    for (const auto& [id, layout] : before_) {
      const StorageState& state = *storages_.state(id);
      all += std::max(part_bytes(state.bytes, layout, from_, rank),
                      part_bytes(state.bytes, state.layout, to_, rank));
    }
    most = std::max(most, all);
  }
  return most + kCopies * largest;
}

void Relocation::run(Shards* shards) const {
  for (const auto& [id, layout] : before_) {
    shards->move(id, {&from_, layout}, {&to_, storages_.state(id)->layout});
  }
}

void Relocation::undo() {
  for (const auto& [id, layout] : before_) storages_.find(id)->state.layout = layout;
}

}  // namespace moai::driver
