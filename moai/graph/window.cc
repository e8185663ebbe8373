#include "moai/graph/window.h"

#include <algorithm>
#include <unordered_map>

namespace moai::graph {
namespace {

constexpr uint64_t kMultiplier = 0xff51afd7ed558ccdull;

uint64_t mix(uint64_t h, uint64_t v) {
  h = (h ^ v) * kMultiplier;
  return h ^ h >> 32;
}

size_t written_count(const SignatureTable::Entry& e, size_t at) {
  return at >= e.written.size() || e.written[at] ? 1 : 0;
}

}  // namespace

void Window::call(SignatureId signature, std::span<const StorageId> node_storages,
                  std::span<const uint64_t> node_words, LineId line) {
  nodes.push_back({.kind = NodeKind::kCall,
                   .signature = signature,
                   .line = line,
                   .storages_begin = static_cast<uint32_t>(storages.size()),
                   .storages_count = static_cast<uint32_t>(node_storages.size()),
                   .words_begin = static_cast<uint32_t>(words.size()),
                   .words_count = static_cast<uint32_t>(node_words.size())});
  storages.insert(storages.end(), node_storages.begin(), node_storages.end());
  words.insert(words.end(), node_words.begin(), node_words.end());
}

void Window::storage_node(NodeKind kind, StorageId id, uint64_t size_bytes) {
  nodes.push_back({.kind = kind,
                   .storages_begin = static_cast<uint32_t>(storages.size()),
                   .storages_count = 1,
                   .words_begin = static_cast<uint32_t>(words.size()),
                   .words_count = 1});
  storages.push_back(id);
  words.push_back(size_bytes);
}

void Window::free(StorageId id) {
  nodes.push_back({.kind = NodeKind::kFree,
                   .storages_begin = static_cast<uint32_t>(storages.size()),
                   .storages_count = 1,
                   .words_begin = static_cast<uint32_t>(words.size())});
  storages.push_back(id);
}

void Window::clear() {
  nodes.clear();
  storages.clear();
  words.clear();
}

std::vector<std::vector<uint32_t>> storage_versions(const Window& w,
                                                    const SignatureTable& signatures) {
  std::unordered_map<StorageId, uint32_t> newest;
  std::vector<std::vector<uint32_t>> versions;
  versions.reserve(w.nodes.size());
  for (const Node& n : w.nodes) {
    const std::span<const StorageId> ids = w.storages_of(n);
    std::vector<uint32_t>& out = versions.emplace_back(ids.size());
    const auto makes = [&](size_t i) {
      if (n.kind == NodeKind::kCall) return written_count(signatures.at(n.signature), i) != 0;
      return n.kind != NodeKind::kFree;
    };
    for (size_t i = 0; i < ids.size(); ++i) out[i] = newest[ids[i]] + (makes(i) ? 1 : 0);
    for (size_t i = 0; i < ids.size(); ++i) {
      newest[ids[i]] = std::max(newest[ids[i]], out[i]);
    }
  }
  return versions;
}

uint64_t window_hash(const Window& w, const SignatureTable& signatures) {
  std::unordered_map<StorageId, uint64_t> names;
  names.reserve(w.storages.size());
  uint64_t h = 0x9e3779b97f4a7c15ull;
  for (const Node& n : w.nodes) {
    if (n.kind == NodeKind::kFree) continue;
    h = mix(h, static_cast<uint64_t>(n.kind) + 1);
    if (n.kind == NodeKind::kCall) h = mix(h, signatures.at(n.signature).hash);
    for (StorageId id : w.storages_of(n)) {
      h = mix(h, id ? names.try_emplace(id, names.size() + 1).first->second : 0);
    }
  }
  return h;
}

}  // namespace moai::graph
