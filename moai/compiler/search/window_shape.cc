#include "moai/compiler/search/window_shape.h"

#include <string_view>
#include <unordered_map>

#include "moai/ops/call.h"

namespace moai::compiler {
namespace {

class Hash {
 public:
  void add(uint64_t v) { value_ = (value_ ^ v) * 0x100000001b3 + (value_ >> 29); }
  void add(std::string_view text) {
    for (const char c : text) add(static_cast<uint8_t>(c));
    add(text.size());
  }
  void add(const tensor::Geometry& g) {
    add(static_cast<uint64_t>(g.dtype));
    add(g.sizes.size());
  }
  void add(const ops::Arg& a) {
    add(static_cast<uint64_t>(a.kind) + (a.written ? 0x100u : 0u));
    if (a.kind == ops::ArgKind::kTensor || a.kind == ops::ArgKind::kHostScalar) add(a.geometry);
    if (a.kind == ops::ArgKind::kBool) add(static_cast<uint64_t>(a.ints[0]));
    add(a.text);
    for (const ops::Arg& item : a.items) add(item);
    add(a.items.size());
  }
  uint64_t value() const { return value_; }

 private:
  uint64_t value_ = 0xcbf29ce484222325;
};

void add_result(const ops::Result& r, Hash* hash, double* elements) {
  hash->add(static_cast<uint64_t>(r.kind));
  if (r.kind == ops::ResultKind::kFresh) {
    hash->add(r.geometry);
    *elements += static_cast<double>(tensor::element_count(r.geometry));
  }
  for (const ops::Result& item : r.items) add_result(item, hash, elements);
  hash->add(r.items.size());
}

WindowShape call_shape(const ops::CallSignature& s) {
  Hash hash;
  WindowShape shape;
  hash.add(s.op);
  hash.add(s.overload);
  for (const ops::Arg& a : s.args) hash.add(a);
  for (const ops::Result& r : s.results) add_result(r, &hash, &shape.elements);
  shape.structure = hash.value();
  return shape;
}

}  // namespace

WindowShape window_shape(const graph::Window& w, const graph::SignatureTable& signatures) {
  std::unordered_map<graph::SignatureId, WindowShape> calls;
  std::unordered_map<graph::StorageId, uint64_t> names;
  Hash hash;
  WindowShape shape;
  for (const graph::Node& n : w.nodes) {
    if (n.kind == graph::NodeKind::kFree) continue;
    hash.add(static_cast<uint64_t>(n.kind));
    if (n.kind == graph::NodeKind::kCall) {
      const auto [at, is_new] = calls.try_emplace(n.signature);
      if (is_new) at->second = call_shape(signatures.at(n.signature).signature());
      hash.add(at->second.structure);
      shape.elements += at->second.elements;
    }
    for (const graph::StorageId id : w.storages_of(n)) {
      hash.add(id == 0 ? 0 : names.try_emplace(id, names.size() + 1).first->second);
    }
  }
  shape.structure = hash.value();
  return shape;
}

}  // namespace moai::compiler
