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
  LiveStorages& live() { return live_; }

 private:
  const std::vector<uint64_t>& fresh(graph::SignatureId id);

  const graph::SignatureTable& signatures_;
  LiveStorages live_;
  std::unordered_map<graph::SignatureId, std::vector<uint64_t>> fresh_;
};

}  // namespace moai::compiler::cost
