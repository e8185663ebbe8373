// SignatureTable: interned call signatures, so that a recorded node names one by a small number.
#pragma once

#include <array>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

#include "moai/ops/call.h"

namespace moai::graph {

using SignatureId = uint32_t;

// Signatures with their arity. Grows only, by some 200 bytes each; ids count from 0. Thread-safe:
// intern takes a mutex, at and size take none.
class SignatureTable {
 public:
  struct Entry {
    std::string encoded;  // a tenth of the memory of a CallSignature
    ops::Arity arity;
    std::vector<bool> written;          // per operand
    std::vector<uint64_t> fresh_bytes;  // of each fresh result's storage
    uint64_t hash = 0;

    ops::CallSignature signature() const;
  };

  // Returns the id of an equal signature, adding it when it is new.
  SignatureId intern(const ops::CallSignature& signature);
  // The reference stays valid as long as the table. `id` must be below size().
  const Entry& at(SignatureId id) const {
    const size_t n = size_t{id} + kFirstSegment;
    const int segment = std::bit_width(n) - std::bit_width(kFirstSegment);
    return segments_[segment].load(std::memory_order_acquire)[n - (kFirstSegment << segment)];
  }
  size_t size() const { return size_.load(std::memory_order_acquire); }

 private:
  static constexpr size_t kFirstSegment = 64;
  static constexpr size_t kSegments = 27;

  // Segment k holds 64 << k entries, so that entries never move.
  std::array<std::atomic<Entry*>, kSegments> segments_{};
  std::atomic<size_t> size_{0};
  std::mutex mutex_;
  std::vector<std::unique_ptr<Entry[]>> owned_;                 // guarded by mutex_
  std::unordered_multimap<uint64_t, SignatureId> ids_by_hash_;  // guarded by mutex_
};

}  // namespace moai::graph
