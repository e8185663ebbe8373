#include "moai/front/device/graph_record.h"

#include <algorithm>
#include <utility>

#include "moai/front/device/device_type.h"

namespace moai::front {
namespace {

thread_local std::vector<DrawnWords> t_draws;

void collect(const ops::Result& result, std::vector<uint64_t>* bytes) {
  if (result.kind == ops::ResultKind::kFresh) {
    bytes->push_back(static_cast<uint64_t>(tensor::storage_bytes(result.geometry)));
  }
  for (const ops::Result& item : result.items) collect(item, bytes);
}

}  // namespace

void note_draws(std::vector<DrawnWords> draws) { t_draws = std::move(draws); }

Status RecordingDriver::refused() {
  return Status(Code::kUnknown, std::string(device_kind().title) +
                                    " error: operation not permitted when stream is capturing");
}

void RecordingDriver::use(graph::StorageId id) {
  if (id && !record_.made.contains(id)) record_.used.insert(id);
}

void RecordingDriver::alloc(graph::StorageId id, uint64_t size_bytes) {
  const std::lock_guard lock(mutex_);
  // A tensor that was made before the capture keeps its content from replay to replay.
  if (id < first_) return real_.alloc(id, size_bytes);
  record_.window.alloc(id, size_bytes);
  record_.made[id] = size_bytes;
}

void RecordingDriver::resize(graph::StorageId id, uint64_t size_bytes) {
  const std::lock_guard lock(mutex_);
  use(id);
  if (const auto made = record_.made.find(id); made != record_.made.end()) {
    made->second = std::max(made->second, size_bytes);
  }
  record_.window.resize(id, size_bytes);
}

void RecordingDriver::free(graph::StorageId id) {
  const std::lock_guard lock(mutex_);
  if (record_.made.erase(id)) return record_.window.free(id);
  if (record_.used.contains(id)) return record_.ended.push_back(id);
  real_.free(id);
}

Status RecordingDriver::append(graph::SignatureId signature,
                               std::span<const graph::StorageId> storages,
                               std::span<const uint64_t> words, graph::LineId line) {
  const std::lock_guard lock(mutex_);
  const auto& entry = real_.signatures().at(signature);
  for (const graph::StorageId id : storages.first(entry.arity.operands)) use(id);
  std::vector<uint64_t> fresh_bytes;
  const ops::CallSignature call = entry.signature();
  for (const ops::Result& result : call.results) collect(result, &fresh_bytes);
  const auto fresh = storages.subspan(entry.arity.operands);
  for (size_t i = 0; i < fresh.size(); ++i) {
    if (fresh[i]) record_.made[fresh[i]] = fresh_bytes[i];
  }
  for (DrawnWords& draw : std::exchange(t_draws, {})) {
    record_.draws.push_back({record_.window.nodes.size(), std::move(draw)});
  }
  record_.window.call(signature, storages, words, line);
  return real_.ended();
}

Status RecordingDriver::upload(graph::StorageId id, uint64_t storage_bytes, uint64_t offset,
                               std::string_view bytes, bool makes) {
  const std::lock_guard lock(mutex_);
  if (makes && id < first_) {
    real_.alloc(id, storage_bytes);
    makes = false;
  }
  if (makes) {
    record_.made[id] = storage_bytes;
  } else {
    use(id);
  }
  record_.uploads.push_back(
      {record_.window.nodes.size(), id, storage_bytes, offset, std::string(bytes), makes});
  return real_.ended();
}

}  // namespace moai::front
