#include "moai/graph/signature_table.h"

#include <algorithm>
#include <utility>

#include "moai/ops/call_tensors.h"

namespace moai::graph {

ops::CallSignature SignatureTable::Entry::signature() const {
  Reader in(encoded);
  return ops::decode_call_signature(&in);
}

SignatureId SignatureTable::intern(const ops::CallSignature& signature) {
  const uint64_t hash = ops::hash(signature);
  std::string encoded;
  Writer out(&encoded);
  ops::encode(signature, &out);
  encoded.shrink_to_fit();
  const std::lock_guard lock(mutex_);
  const auto [begin, end] = ids_by_hash_.equal_range(hash);
  for (auto it = begin; it != end; ++it) {
    if (at(it->second).encoded == encoded) return it->second;
  }
  const size_t id = size_.load(std::memory_order_relaxed);
  const size_t segment = owned_.size();
  if (id + kFirstSegment == kFirstSegment << segment) {
    owned_.push_back(std::make_unique<Entry[]>(kFirstSegment << segment));
    segments_[segment].store(owned_.back().get(), std::memory_order_release);
  }
  const size_t first = (kFirstSegment << (owned_.size() - 1)) - kFirstSegment;
  Entry& entry = owned_.back()[id - first];
  entry.arity = ops::arity(signature);
  entry.written = ops::written_operands(signature);
  for (const ops::Result* r : ops::fresh_results(signature)) {
    const int64_t bytes = std::max<int64_t>(tensor::storage_bytes(r->geometry), 0);
    entry.fresh_bytes.push_back(static_cast<uint64_t>(bytes));
  }
  entry.hash = hash;
  entry.encoded = std::move(encoded);
  ids_by_hash_.emplace(hash, static_cast<SignatureId>(id));
  size_.store(id + 1, std::memory_order_release);
  return static_cast<SignatureId>(id);
}

}  // namespace moai::graph
