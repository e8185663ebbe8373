// LiveStorages: which storages there are while the calls of a window run, and their bytes.
#pragma once

#include <cstdint>
#include <map>
#include <unordered_map>
#include <vector>

#include "moai/graph/window.h"

namespace moai::compiler::cost {

using StorageBytes = std::map<graph::StorageId, uint64_t>;

class LiveStorages {
 public:
  explicit LiveStorages(StorageBytes begin = {});

  // The storage now has so many bytes; 0 is "no storage" and is ignored.
  void put(graph::StorageId id, uint64_t bytes);
  // Never shrinks.
  void grow(graph::StorageId id, uint64_t bytes);
  void free(graph::StorageId id);

  uint64_t bytes() const { return bytes_; }
  // Of one storage; 0 where there is none.
  uint64_t bytes_of(graph::StorageId id) const {
    const auto found = storages_.find(id);
    return found == storages_.end() ? 0 : found->second;
  }
  const StorageBytes& storages() const { return storages_; }

 private:
  StorageBytes storages_;
  uint64_t bytes_ = 0;
};

// Storages while the nodes of windows run one after the other.
class StorageReplay {
 public:
  explicit StorageReplay(const graph::SignatureTable* signatures, StorageBytes begin = {})
      : signatures_(*signatures), live_(std::move(begin)) {}

  // After the node. A call's results are there beside its operands.
  void run(const graph::Window& w, const graph::Node& n);
  // After the node at that place, as a Worker runs it: a result takes the memory of the first
  // operand where that is released right after the call (docs/design/011-exact-savings.md).
  void run_reusing(const graph::Window& w, size_t at);
  LiveStorages& live() { return live_; }
  // Whether the result of the call at that place will take the memory of its first operand.
  bool reuses(const graph::Window& w, size_t at);

 private:
  bool has_in_place_form(graph::SignatureId id);

  const graph::SignatureTable& signatures_;
  LiveStorages live_;
  std::unordered_map<graph::SignatureId, bool> in_place_;
};

}  // namespace moai::compiler::cost
