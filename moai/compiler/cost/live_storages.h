// LiveStorages: which storages there are while the calls of a window run, and their bytes.
#pragma once

#include <cstdint>
#include <map>
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

// Bytes of the fresh results of a call, in consumption order.
std::vector<uint64_t> fresh_bytes(const ops::CallSignature& s);

}  // namespace moai::compiler::cost
