#include "moai/compiler/analysis/import_window.h"

#include <span>
#include <unordered_map>

#include "moai/base/bytes.h"
#include "moai/compiler/analysis/segments.h"
#include "moai/ops/call_tensors.h"
#include "moai/ops/list_call.h"
#include "moai/ops/overwrites.h"

namespace moai::compiler {
namespace {

using graph::NodeKind;
using graph::StorageId;

class Import {
 public:
  Import(const graph::Window& w, const graph::SignatureTable& signatures)
      : window_(w), signatures_(signatures) {}

  ValueGraph run(const std::vector<WholeStorage>& wholes) {
    graph_.words = window_.words;
    collect_segments();
    for (const WholeStorage& w : wholes) segments_.use(w.storage, w.geometry);
    finish_segments();
    for (uint32_t i = 0; i < window_.nodes.size(); ++i) {
      const graph::Node& n = window_.nodes[i];
      if (n.kind == NodeKind::kCall) call(i, n);
      if (n.kind == NodeKind::kFree) release(window_.storages_of(n)[0]);
    }
    for (SegmentId s = 0; s < newest_.size(); ++s) {
      const ValueId last = newest_[s];
      if (last == kNone || graph_.segments[s].released) continue;
      if (graph_.values[last].producer != kNone) graph_.outputs.push_back(last);
    }
    return std::move(graph_);
  }

 private:
  // What is known of a signature, once for all its calls.
  struct Decoded {
    ops::CallSignature signature{};
    std::vector<ops::ListCallPart> parts{};  // itself where it is no call over lists
    std::vector<uint32_t> alike{};           // by part
    std::vector<std::vector<bool>> filled{};
  };
  const ops::CallSignature& signature(graph::SignatureId id) { return decoded(id).signature; }
  const Decoded& decoded(graph::SignatureId id) {
    const auto [found, is_new] = decoded_.try_emplace(id);
    Decoded& d = found->second;
    if (!is_new) return d;
    d.signature = signatures_.at(id).signature();
    d.parts = parts(d.signature);
    for (const ops::ListCallPart& part : d.parts) {
      d.alike.push_back(class_of(part.signature));
      d.filled.push_back(ops::filled_operands(part.signature));
    }
    return d;
  }
  uint32_t class_of(const ops::CallSignature& s) {
    std::string encoded;
    Writer out(&encoded);
    ops::encode(s, &out);
    const auto next = static_cast<uint32_t>(classes_.size());
    return classes_.try_emplace(std::move(encoded), next).first->second;
  }

  void collect_segments() {
    for (const graph::Node& n : window_.nodes) {
      if (n.kind != NodeKind::kCall) continue;
      const ops::CallSignature& s = signature(n.signature);
      const std::span<const StorageId> ids = window_.storages_of(n);
      size_t at = 0;
      for (const ops::Arg* a : ops::tensor_operands(s)) segments_.use(ids[at++], a->geometry);
      for (const ops::Result* r : ops::fresh_results(s)) segments_.use(ids[at++], r->geometry);
    }
  }
  void finish_segments() {
    graph_.segments = segments_.finish();
    newest_.assign(graph_.segments.size(), kNone);
    for (const graph::Node& n : window_.nodes) {
      if (n.kind == NodeKind::kCall) find_opaque(n);
    }
  }

  // Of a segment every use must have a view, or none has.
  void find_opaque(const graph::Node& n) {
    const ops::CallSignature& s = signature(n.signature);
    const std::span<const StorageId> ids = window_.storages_of(n);
    size_t at = 0;
    const auto check = [&](const tensor::Geometry& g) {
      const StorageId id = ids[at++];
      if (is_empty(id, g)) return;
      Segment& segment = graph_.segments[segments_.at(id, g)];
      if (!segment.opaque && !view(segment, g)) make_opaque(&segment);
    };
    for (const ops::Arg* a : ops::tensor_operands(s)) check(a->geometry);
    for (const ops::Result* r : ops::fresh_results(s)) check(r->geometry);
  }

  static bool is_empty(StorageId id, const tensor::Geometry& g) {
    return id == 0 || tensor::element_count(g) == 0;
  }
  static std::optional<View> view(const Segment& s, const tensor::Geometry& g) {
    return view_of(s.count, g, g.offset - s.begin);
  }
  static void make_opaque(Segment* s) {
    const auto size = static_cast<int64_t>(tensor::dtype_size(s->dtype));
    s->begin *= size;
    s->count *= size;
    s->dtype = tensor::DType::kUInt8;
    s->opaque = true;
  }

  void call(uint32_t source, const graph::Node& n) {
    const Decoded& d = decoded(n.signature);
    const std::span<const StorageId> ids = window_.storages_of(n);
    const std::span<const StorageId> results = ids.subspan(ops::arity(d.signature).operands);
    for (size_t p = 0; p < d.parts.size(); ++p) {
      const ops::ListCallPart& e = d.parts[p];
      ValueNode node{
          .source = source, .signature = e.signature, .alike = d.alike[p], .line = n.line};
      size_t at = 0;
      for (const ops::Arg* a : ops::tensor_operands(e.signature)) {
        node.operands.push_back(read(ids[e.operands[at]], a->geometry, d.filled[p][at]));
        ++at;
      }
      const auto next = static_cast<NodeId>(graph_.nodes.size());
      at = 0;
      for (const ops::Arg* a : ops::tensor_operands(e.signature)) {
        if (a->written) {
          node.written.push_back(static_cast<uint16_t>(at));
          write(&node.operands[at], ids[e.operands[at]], a->geometry, next);
        }
        ++at;
      }
      at = 0;
      for (const ops::Result* r : ops::fresh_results(e.signature)) {
        Use& use = node.results.emplace_back();
        write(&use, results[e.fresh[at++]], r->geometry, next);
      }
      for (const uint32_t word : e.words) node.words.push_back(n.words_begin + word);
      graph_.nodes.push_back(std::move(node));
    }
  }

  // The call's parts; itself where it is none over lists.
  static std::vector<ops::ListCallPart> parts(const ops::CallSignature& s) {
    if (auto split = ops::split_list_call(s)) return std::move(*split);
    ops::ListCallPart whole{.signature = s};
    const ops::Arity n = ops::arity(s);
    for (uint32_t i = 0; i < n.operands; ++i) whole.operands.push_back(i);
    for (uint32_t i = 0; i < n.words; ++i) whole.words.push_back(i);
    for (uint32_t i = 0; i < n.fresh; ++i) whole.fresh.push_back(i);
    return {whole};
  }

  Use read(StorageId id, const tensor::Geometry& g, bool filled) {
    Use use;
    if (is_empty(id, g)) return use;
    const SegmentId s = segments_.at(id, g);
    const Segment& segment = graph_.segments[s];
    if (!segment.opaque) use.view = view(segment, g);
    const bool needed = !filled || !use.view || !is_whole(*use.view, segment.count);
    if (needed) use.value = current(s);
    return use;
  }

  ValueId current(SegmentId s) {
    if (newest_[s] == kNone) {
      newest_[s] = add_value({s, 0, kNone});
      graph_.inputs.push_back(newest_[s]);
    }
    return newest_[s];
  }

  void write(Use* use, StorageId id, const tensor::Geometry& g, NodeId producer) {
    if (is_empty(id, g)) return;
    const SegmentId s = segments_.at(id, g);
    const Segment& segment = graph_.segments[s];
    if (!use->view && !segment.opaque) use->view = view(segment, g);
    const uint32_t before = newest_[s] == kNone ? 0 : graph_.values[newest_[s]].version;
    newest_[s] = add_value({s, before + 1, producer});
    use->made = newest_[s];
  }

  ValueId add_value(Value v) {
    graph_.values.push_back(v);
    return static_cast<ValueId>(graph_.values.size() - 1);
  }

  void release(StorageId id) {
    for (const SegmentId s : segments_.of(id)) graph_.segments[s].released = true;
  }

  const graph::Window& window_;
  const graph::SignatureTable& signatures_;
  std::unordered_map<graph::SignatureId, Decoded> decoded_;
  std::unordered_map<std::string, uint32_t> classes_;  // by encoded signature
  SegmentMap segments_;
  ValueGraph graph_;
  std::vector<ValueId> newest_;  // by segment
};

}  // namespace

ValueGraph import_window(const graph::Window& w, const graph::SignatureTable& signatures,
                         const std::vector<WholeStorage>& wholes) {
  return Import(w, signatures).run(wholes);
}

}  // namespace moai::compiler
