#include "moai/compiler/cost/live_storages.h"

#include <algorithm>

#include "moai/ops/call_tensors.h"

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

std::vector<uint64_t> fresh_bytes(const ops::CallSignature& s) {
  std::vector<uint64_t> bytes;
  for (const ops::Result* r : ops::fresh_results(s)) {
    bytes.push_back(
        static_cast<uint64_t>(std::max<int64_t>(tensor::storage_bytes(r->geometry), 0)));
  }
  return bytes;
}

}  // namespace moai::compiler::cost
