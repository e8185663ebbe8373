#include "moai/compiler/passes/storage_use.h"

#include <algorithm>
#include <unordered_map>

#include "moai/ops/call_tensors.h"
#include "moai/ops/overwrites.h"

namespace moai::compiler {
namespace {

using graph::NodeKind;
using graph::StorageId;

// Of a signature, once for all its calls.
struct Operands {
  std::vector<bool> written{}, filled{};
  std::vector<uint64_t> result_bytes{};
};

Operands operands(const ops::CallSignature& s) {
  Operands o{.written = ops::written_operands(s), .filled = ops::filled_operands(s)};
  size_t i = 0;
  for (const ops::Arg* a : ops::tensor_operands(s)) {
    // What is overwritten in part keeps the rest.
    const bool all = a->geometry.offset == 0 && tensor::is_contiguous(a->geometry);
    o.filled[i] = o.filled[i] && all;
    ++i;
  }
  for (const ops::Result* r : ops::fresh_results(s)) {
    o.result_bytes.push_back(static_cast<uint64_t>(tensor::storage_bytes(r->geometry)));
  }
  return o;
}

void add(StorageId id, std::vector<StorageId>* list) {
  if (id != 0 && std::ranges::find(*list, id) == list->end()) list->push_back(id);
}

}  // namespace

WindowUse::WindowUse(const graph::Window& w, const graph::SignatureTable& signatures)
    : calls(w.nodes.size()) {
  std::unordered_map<graph::SignatureId, Operands> known;
  for (uint32_t i = 0; i < w.nodes.size(); ++i) {
    const graph::Node& n = w.nodes[i];
    const auto ids = w.storages_of(n);
    if (n.kind == NodeKind::kAlloc) {
      StorageUse& s = storages[ids[0]];
      s.made = s.allocated = true;
      s.bytes = w.words_of(n)[0];
    }
    if (n.kind == NodeKind::kFree) storages[ids[0]].released = true;
    if (n.kind != NodeKind::kCall) continue;
    const auto [found, is_new] = known.try_emplace(n.signature);
    if (is_new) found->second = operands(signatures.at(n.signature).signature());
    const Operands& o = found->second;
    CallUse& call = calls[i];
    for (size_t k = 0; k < o.written.size(); ++k) {
      if (!o.filled[k]) add(ids[k], &call.read);
      if (o.written[k]) add(ids[k], &call.written);
    }
    for (size_t r = 0; r < o.result_bytes.size(); ++r) {
      const StorageId id = ids[o.written.size() + r];
      if (id == 0) continue;
      storages[id].made = true;
      storages[id].bytes = o.result_bytes[r];
      add(id, &call.results);
      add(id, &call.written);
    }
    for (const StorageId id : call.read) storages[id].readers.push_back(i);
    for (const StorageId id : call.written) storages[id].writers.push_back(i);
  }
}

std::vector<Slice> slices_by_source(const ValueGraph& g, const Roles& roles, size_t nodes) {
  std::vector<Slice> slices(nodes, Slice::kForward);
  for (NodeId n = 0; n < g.nodes.size(); ++n) slices[g.nodes[n].source] = roles.nodes[n];
  return slices;
}

}  // namespace moai::compiler
