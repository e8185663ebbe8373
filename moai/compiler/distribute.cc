#include "moai/compiler/distribute.h"

#include <algorithm>
#include <optional>

#include "moai/compiler/analysis/import_window.h"
#include "moai/compiler/lower/lower_rank.h"
#include "moai/compiler/passes/expand_calls.h"
#include "moai/compiler/sharding/partition.h"
#include "moai/ops/call_tensors.h"

namespace moai::compiler {
namespace {

using graph::StorageId;

constexpr int kExpansionsMax = 4;  // where one call is expanded, the next may have to be

// In the copy of a window that is lowered recorded words are their positions under this mark: no
// constant that a pass makes (a size, a small double) looks like it.
constexpr uint64_t kMark = 0xa5c3'7e19'0000'0000;
constexpr uint64_t kMarkBits = 0xffff'ffff'0000'0000;

graph::Window marked(const graph::Window& w) {
  graph::Window copy = w;
  for (const graph::Node& n : w.nodes) {
    if (n.kind != graph::NodeKind::kCall) continue;
    for (uint32_t i = 0; i < n.words_count; ++i) {
      copy.words[n.words_begin + i] = kMark | (n.words_begin + i);
    }
  }
  return copy;
}

class Distribution {
 public:
  Distribution(const DistributeInput& in, graph::SignatureTable* signatures)
      : in_(in), signatures_(*signatures), window_(*in.window), marked_(marked(*in.window)) {}

  Distributed run() {
    analyse();
    StorageId temporary = in_.first_temporary;
    for (int round = 0; round < kExpansionsMax; ++round) {
      const auto calls = calls_that_move(*graph_, program_);
      if (calls.empty() || !expand(calls, &temporary)) break;
      analyse();
    }
    Distributed out;
    lower(temporary, &out);
    describe(&out);
    return out;
  }

 private:
  // ---- analysis and plan

  void analyse() {
    find_made();
    graph_ = import_window(window_, signatures_);
    std::vector<Cut> cuts;
    for (SegmentId s = 0; s < graph_->segments.size(); ++s) {
      const StorageState* state = state_of(s);
      if (!state || !covers(s) || !counts_alike(*state, s)) continue;
      std::ranges::copy(cuts_of(state->layout, s), std::back_inserter(cuts));
    }
    factors_.emplace(*graph_, cuts);
    plan_ = plan();
    program_ = partition(*graph_, *factors_, plan_);
  }

  const StorageState* state_of(SegmentId s) const {
    const auto found = in_.storages.find(graph_->segments[s].storage);
    return found == in_.storages.end() ? nullptr : &found->second;
  }

  // Whether the segment's elements are those that the storage's layout counts.
  bool counts_alike(const StorageState& state, SegmentId s) const {
    return state.layout.whole() ||
           tensor::dtype_size(state.layout.dtype) == tensor::dtype_size(graph_->segments[s].dtype);
  }
  // How the segment lies; nothing where that is no placement of it.
  std::optional<Placement> placement_now(const StorageState& state, SegmentId s) const {
    if (!counts_alike(state, s)) return std::nullopt;
    return placement_of(state.layout, *factors_, s, in_.mesh);
  }

  // Whether the segment is its whole storage, so that ranks may have parts of it.
  bool covers(SegmentId s) const {
    const Segment& segment = graph_->segments[s];
    if (segment.opaque || segment.shares_storage || segment.begin != 0) return false;
    const uint64_t bytes = static_cast<uint64_t>(segment.count) * tensor::dtype_size(segment.dtype);
    if (const StorageState* state = state_of(s)) return state->bytes == bytes;
    const auto made = made_.find(segment.storage);
    return made != made_.end() && made->second == bytes;
  }

  // What the window makes itself, in bytes.
  void find_made() {
    for (const graph::Node& n : window_.nodes) {
      const auto ids = window_.storages_of(n);
      if (n.kind == graph::NodeKind::kAlloc) made_[ids[0]] = window_.words_of(n)[0];
      if (n.kind != graph::NodeKind::kCall) continue;
      const ops::CallSignature s = signatures_.at(n.signature).signature();
      skips_ |= s.op == "moai::skip_if";
      size_t at = ops::arity(s).operands;
      for (const ops::Result* r : ops::fresh_results(s)) {
        made_[ids[at++]] = static_cast<uint64_t>(tensor::storage_bytes(r->geometry));
      }
    }
  }

  LayoutPlan plan() {
    LayoutPlan p{.mesh = in_.mesh};
    const size_t axes = p.mesh.axes.size();
    p.policies.resize(axes);
    std::vector<bool> written(graph_->segments.size());
    for (const ValueId v : graph_->outputs) written[graph_->values[v].segment] = true;
    for (SegmentId s = 0; s < graph_->segments.size(); ++s) {
      const StorageState* state = state_of(s);
      if (!state && covers(s)) continue;  // made here, and lies as it comes
      Placement& home = p.home[s] = Placement(axes);
      if (!state || !covers(s) || skips_) continue;
      if (!state->free) {
        if (const auto kept = placement_now(*state, s)) home = *kept;
        continue;
      }
      const std::vector<FactorId>& list = factors_->of(s);
      if (written[s] || list.empty() || factors_->size(list[0]) < p.mesh.axes[0].size) continue;
      home[0] = split_at(0);
      p.batch.push_back(list[0]);
    }
    return p;
  }

  // ---- expansion

  // False where none of the calls has one.
  bool expand(const std::vector<uint32_t>& calls, StorageId* temporary) {
    const size_t before = window_.nodes.size();
    graph::Window next = expand_calls(window_, calls, *temporary, &signatures_);
    if (next.nodes.size() == before) return false;
    marked_ = expand_calls(marked_, calls, *temporary, &signatures_);
    window_ = std::move(next);
    for (const StorageId id : window_.storages) *temporary = std::max(*temporary, id + 1);
    return true;
  }

  // ---- results

  void lower(StorageId first_temporary, Distributed* out) {
    Lowering lowering{&marked_, &*graph_, &*factors_, &program_, {}};
    for (SegmentId s = 0; s < graph_->segments.size(); ++s) {
      if (state_of(s)) lowering.existing[s] = plan_.home.at(s);
    }
    out->next_temporary = first_temporary;
    for (int rank = 0; rank < in_.mesh.ranks(); ++rank) {
      RankWindow& r = out->ranks.emplace_back();
      r.window = lower_rank(lowering, rank, first_temporary, &signatures_);
      for (const uint64_t word : r.window.words) {
        const bool recorded = (word & kMarkBits) == kMark;
        r.words.push_back({recorded, recorded ? word & ~kMarkBits : word});
      }
      for (const StorageId id : r.window.storages) {
        out->next_temporary = std::max(out->next_temporary, id + 1);
      }
    }
  }

  void describe(Distributed* out) const {
    for (SegmentId s = 0; s < graph_->segments.size(); ++s) {
      const StorageState* state = state_of(s);
      if (!state) continue;
      const StorageLayout wanted = layout_of(plan_.home.at(s), *graph_, *factors_, s);
      const bool kept = placement_now(*state, s) == plan_.home.at(s);
      if (state->free || !kept || !covers(s)) out->before[graph_->segments[s].storage] = wanted;
    }
    for (const auto& [id, state] : in_.storages) {
      if (state.free) out->before.try_emplace(id);  // no element of it is used
    }
    for (size_t i = 0; i < graph_->outputs.size(); ++i) {
      const SegmentId s = graph_->values[graph_->outputs[i]].segment;
      const Placement& p = program_.registers[program_.outputs[i]].placement;
      out->after[graph_->segments[s].storage] =
          covers(s) ? layout_of(p, *graph_, *factors_, s) : StorageLayout{};
    }
    for (NodeId n = 0; n < graph_->nodes.size(); ++n) {
      for (const uint32_t word : factors_->rule(n).rule.assumed_words) {
        const uint64_t at = marked_.words[graph_->nodes[n].words[word]];
        if ((at & kMarkBits) != kMark) continue;
        const auto position = static_cast<uint32_t>(at & ~kMarkBits);
        out->assumed.emplace_back(position, in_.window->words[position]);
      }
    }
  }

  const DistributeInput& in_;
  graph::SignatureTable& signatures_;
  graph::Window window_, marked_;
  std::map<StorageId, uint64_t> made_;
  // The window has a region that may be skipped: a move within it may then not have happened, so
  // that every rank runs it whole.
  bool skips_ = false;
  std::optional<ValueGraph> graph_;
  std::optional<Factors> factors_;
  LayoutPlan plan_;
  SpmdProgram program_;
};

}  // namespace

Distributed distribute(const DistributeInput& in, graph::SignatureTable* signatures) {
  return Distribution(in, signatures).run();
}

}  // namespace moai::compiler
