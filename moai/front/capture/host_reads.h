// HostReads: bytes of the device brought to the host, several storages in one request.
//
// Programs read many tensors one after another (a checkpoint, a list of weights). When whole
// storages are read in a row and nothing is recorded in between, those made after the last one are
// fetched with it, in batches that double. What was fetched counts only until something is
// recorded. Thread-safe.
#pragma once

#include <cstdint>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

#include "moai/front/device/memory.h"

namespace moai::front {

class HostReads {
 public:
  static HostReads& instance();

  // Waits for `size` bytes at `offset` of a storage.
  void read(const Place& place, uint64_t offset, uint64_t size, char* out);

 private:
  static constexpr uint64_t kSmall = 64;  // values like a loss announce no checkpoint
  static constexpr uint64_t kFirstBatch = uint64_t{1} << 20;
  static constexpr uint64_t kLargestBatch = uint64_t{64} << 20;

  bool take(graph::StorageId storage, uint64_t size, char* out);
  uint64_t batch_bytes(bool whole, uint64_t version);
  void fetch(const std::vector<DeviceMemory::Live>& storages, uint64_t version);

  std::mutex mutex_;
  std::unordered_map<graph::StorageId, std::string> fetched_;  // guarded by mutex_
  uint64_t version_ = 0;      // guarded by mutex_: of the driver at the last read
  uint64_t batch_bytes_ = 0;  // guarded by mutex_: 0 after a read that began a row
};

}  // namespace moai::front
