#include "moai/compiler/verify/verify_graph.h"

#include <algorithm>
#include <unordered_map>
#include <unordered_set>

#include "moai/compiler/verify/report.h"
#include "moai/ops/call_tensors.h"
#include "moai/ops/list_call.h"
#include "moai/ops/overwrites.h"

namespace moai::compiler {
namespace {

using graph::StorageId;
using tensor::Geometry;

// Whether `view` shows of `count` elements what the geometry, from element `offset` on, does.
// Whether the dimensions that are slices of a block together show values of it, each once.
bool stays_within(const View& view, Block block) {
  std::vector<const ViewDim*> slices;
  for (const ViewDim& dim : view.dims) {
    const bool steps = dim.kind == ViewDim::Kind::kWhole || dim.kind == ViewDim::Kind::kSlice;
    if (steps && dim.block == block) slices.push_back(&dim);
  }
  std::ranges::sort(slices, {}, [](const ViewDim* dim) { return dim->step; });
  int64_t reach = 0, first = 0;
  for (const ViewDim* dim : slices) {
    if (dim->step <= reach) return false;
    reach += (dim->length - 1) * dim->step;
    first += dim->start;
  }
  return first + reach < block.radix();
}

bool shows(const View& view, const Geometry& g, int64_t offset, int64_t count) {
  if (view.dims.size() != g.sizes.size()) return false;
  std::vector<Block> blocks;
  int64_t at = 0;
  for (const Selected& s : view.selected) {
    if (s.index < 0 || s.index >= s.block.radix()) return false;
    blocks.push_back(s.block);
    at += s.index * s.block.low;
  }
  for (size_t d = 0; d < view.dims.size(); ++d) {
    const ViewDim& dim = view.dims[d];
    const bool steps = dim.kind == ViewDim::Kind::kWhole || dim.kind == ViewDim::Kind::kSlice;
    if (!steps) {
      const bool unit = dim.kind == ViewDim::Kind::kUnit;
      if (unit ? g.sizes[d] != 1 : g.strides[d] != 0) return false;
      continue;
    }
    const bool all = dim.start == 0 && dim.length == dim.block.radix() && dim.step == 1;
    if (dim.kind == ViewDim::Kind::kWhole && !all) return false;
    if (dim.start < 0 || dim.length < 1 || dim.step < 1) return false;
    if (g.strides[d] != dim.block.low * dim.step || g.sizes[d] != dim.length) return false;
    at += dim.start * dim.block.low;
    // Slices may share a block.
    const auto shared = std::ranges::find(blocks, dim.block);
    if (shared == blocks.end()) {
      blocks.push_back(dim.block);
    } else if (dim.kind == ViewDim::Kind::kWhole) {
      return false;
    }
    if (!stays_within(view, dim.block)) return false;
  }
  std::ranges::sort(blocks, {}, &Block::low);
  int64_t low = 1;
  for (const Block& b : blocks) {
    if (b.low < low || b.high < b.low || b.high % b.low != 0 || b.low % low != 0) return false;
    low = b.high;
  }
  return at == offset && low <= count && count % low == 0;
}

class GraphCheck {
 public:
  GraphCheck(const Lowering& in, const graph::SignatureTable& signatures)
      : window_(*in.window),
        graph_(*in.graph),
        signatures_(signatures),
        newest_(in.graph->segments.size(), kNone) {}

  Status run() {
    MOAI_RETURN_IF_ERROR(check_segments());
    // The window's words may stand for those that the graph was made of.
    if (graph_.words.size() != window_.words.size()) {
      return fault("the graph", "it has other words");
    }
    for (uint32_t i = 0; i < window_.nodes.size(); ++i) {
      const graph::Node& n = window_.nodes[i];
      if (n.kind == graph::NodeKind::kFree) released_.insert(window_.storages_of(n)[0]);
      if (n.kind == graph::NodeKind::kCall) MOAI_RETURN_IF_ERROR(call(i, n));
    }
    if (next_ != graph_.nodes.size()) return fault("the graph", "it has more calls");
    return check_ends();
  }

 private:
  struct Decoded {
    ops::CallSignature whole{};
    std::optional<std::vector<ops::ListCallPart>> parts{};
  };

  Status check_segments() {
    std::unordered_map<StorageId, std::vector<std::pair<int64_t, int64_t>>> ranges;
    for (const Segment& s : graph_.segments) {
      const auto size = static_cast<int64_t>(tensor::dtype_size(s.dtype));
      ranges[s.storage].emplace_back(s.begin * size, (s.begin + s.count) * size);
    }
    for (auto& [storage, list] : ranges) {
      std::ranges::sort(list);
      for (size_t i = 1; i < list.size(); ++i) {
        if (list[i].first < list[i - 1].second) {
          return fault("s" + std::to_string(storage), "two segments of it overlap");
        }
      }
    }
    for (const Segment& s : graph_.segments) {
      if (ranges[s.storage].size() > 1 && !s.shares_storage) {
        return fault("s" + std::to_string(s.storage), "it has several segments, unsaid");
      }
    }
    return ok_status();
  }

  const Decoded& decoded(graph::SignatureId id) {
    const auto [found, is_new] = decoded_.try_emplace(id);
    if (is_new) {
      found->second.whole = signatures_.at(id).signature();
      found->second.parts = ops::split_list_call(found->second.whole);
    }
    return found->second;
  }

  Status call(uint32_t source, const graph::Node& n) {
    const Decoded& d = decoded(n.signature);
    const std::span<const StorageId> ids = window_.storages_of(n);
    if (!d.parts) {
      const ops::Arity& arity = signatures_.at(n.signature).arity;
      const auto as_it_is = [](uint32_t i) { return i; };
      return part(source, n, d.whole, arity, as_it_is, as_it_is, as_it_is, ids, arity.operands);
    }
    const uint32_t operands = signatures_.at(n.signature).arity.operands;
    for (const ops::ListCallPart& p : *d.parts) {
      const ops::Arity arity{static_cast<uint32_t>(p.operands.size()),
                             static_cast<uint32_t>(p.words.size()),
                             static_cast<uint32_t>(p.fresh.size())};
      const Status status = part(
          source, n, p.signature, arity, [&](uint32_t i) { return p.operands[i]; },
          [&](uint32_t i) { return p.words[i]; }, [&](uint32_t i) { return p.fresh[i]; }, ids,
          operands);
      if (!status.ok()) return status;
    }
    return ok_status();
  }

  template <class Operand, class Word, class Fresh>
  Status part(uint32_t source, const graph::Node& n, const ops::CallSignature& s,
              const ops::Arity& arity, const Operand& operand, const Word& word, const Fresh& fresh,
              std::span<const StorageId> ids, uint32_t operands) {
    const NodeId id = next_++;
    if (id >= graph_.nodes.size()) return fault("the graph", "it lacks calls of the window");
    const ValueNode& node = graph_.nodes[id];
    const auto wrong = [&](const std::string& what) {
      return fault("node " + std::to_string(id) + ", " + node_text(graph_, id), what);
    };
    if (node.source != source || !(node.signature == s)) return wrong("it is another call");
    if (node.operands.size() != arity.operands || node.results.size() != arity.fresh) {
      return wrong("it has other tensors");
    }
    bool same_words = node.words.size() == arity.words;
    for (uint32_t w = 0; same_words && w < arity.words; ++w) {
      same_words = node.words[w] == n.words_begin + word(w);
    }
    if (!same_words) return wrong("it has other words");
    const std::vector<const ops::Arg*> args = ops::tensor_operands(s);
    const std::vector<bool> filled = ops::filled_operands(s);
    for (uint32_t i = 0; i < args.size(); ++i) {
      const char* what = read_error(node.operands[i], ids[operand(i)], *args[i], filled[i]);
      if (what) return wrong("operand " + std::to_string(i) + ": " + what);
    }
    for (uint32_t i = 0; i < args.size(); ++i) {
      if (!args[i]->written) continue;
      const char* what = made_error(node.operands[i], ids[operand(i)], args[i]->geometry, id);
      if (what) return wrong("operand " + std::to_string(i) + ": " + what);
    }
    const std::vector<const ops::Result*> results = ops::fresh_results(s);
    for (uint32_t i = 0; i < results.size(); ++i) {
      const StorageId to = ids[operands + fresh(i)];
      const char* what = made_error(node.results[i], to, results[i]->geometry, id);
      if (what) return wrong("result " + std::to_string(i) + ": " + what);
    }
    return ok_status();
  }

  static bool is_empty(StorageId id, const Geometry& g) {
    return id == 0 || tensor::element_count(g) == 0;
  }

  const char* read_error(const Use& use, StorageId id, const ops::Arg& arg, bool filled) {
    if (is_empty(id, arg.geometry)) {
      return use.value == kNone && use.made == kNone ? nullptr : "it has no elements";
    }
    if (!arg.written && use.made != kNone) return "it is not written";
    const ValueId seen = use.value != kNone ? use.value : use.made;
    if (const char* what = place_error(use, seen, id, arg.geometry)) return what;
    const SegmentId s = graph_.values[seen].segment;
    if (use.value == kNone) {
      const bool whole = use.view && is_whole(*use.view, graph_.segments[s].count);
      return filled && whole ? nullptr : "it is read";
    }
    if (newest_[s] == kNone && graph_.values[use.value].version == 0) newest_[s] = use.value;
    return newest_[s] == use.value ? nullptr : "it reads another version than the window does";
  }

  const char* made_error(const Use& use, StorageId id, const Geometry& g, NodeId producer) {
    if (is_empty(id, g)) return use.made == kNone ? nullptr : "it has no elements";
    if (use.made == kNone) return "it makes nothing";
    if (const char* what = place_error(use, use.made, id, g)) return what;
    const Value& v = graph_.values[use.made];
    const ValueId before = newest_[v.segment];
    const uint32_t version = before == kNone ? 0 : graph_.values[before].version;
    if (v.producer != producer || v.version != version + 1) return "it makes no next version";
    newest_[v.segment] = use.made;
    return nullptr;
  }

  const char* place_error(const Use& use, ValueId v, StorageId id, const Geometry& g) const {
    if (v >= graph_.values.size()) return "it is no value";
    const Segment& s = graph_.segments[graph_.values[v].segment];
    if (s.storage != id) return "it lies in another storage";
    const auto size = static_cast<int64_t>(tensor::dtype_size(g.dtype));
    const auto unit = static_cast<int64_t>(tensor::dtype_size(s.dtype));
    if (g.offset * size < s.begin * unit || tensor::storage_bytes(g) > (s.begin + s.count) * unit) {
      return "it lies outside its segment";
    }
    if (s.opaque) return use.view ? "an opaque segment has no view" : nullptr;
    if (g.dtype != s.dtype) return "it is of another element type";
    const bool right = use.view && shows(*use.view, g, g.offset - s.begin, s.count);
    return right ? nullptr : "its view shows other elements";
  }

  Status check_ends() const {
    std::vector<bool> leaves(graph_.values.size()), begins(graph_.values.size());
    for (const ValueId v : graph_.outputs) leaves[v] = true;
    for (const ValueId v : graph_.inputs) begins[v] = true;
    for (ValueId v = 0; v < graph_.values.size(); ++v) {
      if (begins[v] != (graph_.values[v].producer == kNone)) {
        return fault("value " + value_text(graph_, v), "it begins otherwise");
      }
    }
    for (SegmentId s = 0; s < newest_.size(); ++s) {
      const bool released = released_.contains(graph_.segments[s].storage);
      if (released != graph_.segments[s].released) {
        return fault("segment " + std::to_string(s), "the window ends with it otherwise");
      }
      const ValueId last = newest_[s];
      const bool written = last != kNone && graph_.values[last].producer != kNone;
      if (last != kNone && leaves[last] != (written && !released)) {
        return fault("value " + value_text(graph_, last), "the window leaves it otherwise");
      }
      if (last != kNone) leaves[last] = false;
    }
    const auto rest = std::ranges::find(leaves, true);
    if (rest != leaves.end()) {
      const auto v = static_cast<ValueId>(rest - leaves.begin());
      return fault("value " + value_text(graph_, v), "an output that is not the last version");
    }
    return ok_status();
  }

  const graph::Window& window_;
  const ValueGraph& graph_;
  const graph::SignatureTable& signatures_;
  std::unordered_map<graph::SignatureId, Decoded> decoded_;
  std::unordered_set<StorageId> released_;
  std::vector<ValueId> newest_;  // by segment
  NodeId next_ = 0;
};

}  // namespace

Status verify_graph(const Lowering& in, const graph::SignatureTable& signatures) {
  return GraphCheck(in, signatures).run();
}

}  // namespace moai::compiler
