#include "moai/compiler/cost/live_storages.h"

#include <algorithm>

#include "moai/ops/purity.h"

namespace moai::compiler::cost {

LiveStorages::LiveStorages(StorageBytes begin) : storages_(std::move(begin)) {
  for (const auto& [id, bytes] : storages_) bytes_ += bytes;
}

void LiveStorages::put(graph::StorageId id, uint64_t bytes) {
  if (id == 0) return;
  uint64_t& has = storages_[id];
  bytes_ += bytes - has;
  has = bytes;
}

void LiveStorages::grow(graph::StorageId id, uint64_t bytes) {
  const auto found = storages_.find(id);
  put(id, found == storages_.end() ? bytes : std::max(found->second, bytes));
}

void LiveStorages::free(graph::StorageId id) {
  const auto found = storages_.find(id);
  if (found == storages_.end()) return;
  bytes_ -= found->second;
  storages_.erase(found);
}

void StorageReplay::run(const graph::Window& w, const graph::Node& n) {
  const auto ids = w.storages_of(n);
  switch (n.kind) {
    case graph::NodeKind::kFree:
      return live_.free(ids[0]);
    case graph::NodeKind::kAlloc:
    case graph::NodeKind::kResize:
      return live_.grow(ids[0], w.words_of(n)[0]);
    case graph::NodeKind::kCall:
      break;
  }
  const std::vector<uint64_t>& bytes = signatures_.at(n.signature).fresh_bytes;
  const auto made = ids.last(bytes.size());
  for (size_t i = 0; i < made.size(); ++i) live_.put(made[i], bytes[i]);
}

void StorageReplay::run_reusing(const graph::Window& w, size_t at) {
  const graph::Node& n = w.nodes[at];
  if (n.kind == graph::NodeKind::kCall && reuses(w, at)) live_.free(w.storages_of(n)[0]);
  run(w, n);
}

bool StorageReplay::reuses(const graph::Window& w, size_t at) {
  const graph::Node& n = w.nodes[at];
  const std::vector<uint64_t>& made = signatures_.at(n.signature).fresh_bytes;
  const auto ids = w.storages_of(n);
  if (made.size() != 1 || ids.size() < 2 || live_.bytes_of(ids[0]) != made[0]) return false;
  if (std::ranges::count(ids, ids[0]) != 1) return false;
  for (size_t next = at + 1; next < w.nodes.size(); ++next) {
    if (w.nodes[next].kind != graph::NodeKind::kFree) return false;
    if (w.storages_of(w.nodes[next])[0] == ids[0]) return has_in_place_form(n.signature);
  }
  return false;
}

bool StorageReplay::has_in_place_form(graph::SignatureId id) {
  const auto [found, is_new] = in_place_.try_emplace(id);
  if (is_new) found->second = ops::in_place_form(signatures_.at(id).signature()).has_value();
  return found->second;
}

}  // namespace moai::compiler::cost
