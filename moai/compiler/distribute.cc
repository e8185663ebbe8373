#include "moai/compiler/distribute.h"

#include <algorithm>
#include <iterator>
#include <memory>
#include <optional>

#include "moai/compiler/lower/lower_rank.h"
#include "moai/compiler/lower/stage_lowering.h"
#include "moai/compiler/passes/expand_calls.h"
#include "moai/compiler/planner/plan_window.h"
#include "moai/compiler/planner/stage_order.h"
#include "moai/compiler/planner/unshared.h"
#include "moai/compiler/planner/window_in_time.h"
#include "moai/compiler/sharding/skipped_region.h"
#include "moai/compiler/verify/verify.h"
#include "moai/ops/call_tensors.h"

namespace moai::compiler {
namespace {

using graph::StorageId;

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

// The words of a window that marked ones stand for.
graph::Window unmarked(const graph::Window& w, const graph::Window& recorded) {
  graph::Window copy = w;
  for (uint64_t& word : copy.words) {
    if ((word & kMarkBits) == kMark) word = recorded.words[word & ~kMarkBits];
  }
  return copy;
}

// Where storages may lie, and where they do before the window.
class Homes {
 public:
  Homes(const DistributeInput& in, const graph::Window& w, const graph::SignatureTable& signatures)
      : in_(in), in_region_cut_(cuts_region(w, signatures)) {
    for (const graph::Node& n : w.nodes) {
      const auto ids = w.storages_of(n);
      if (n.kind == graph::NodeKind::kAlloc) made_[ids[0]] = w.words_of(n)[0];
      if (n.kind != graph::NodeKind::kCall) continue;
      const ops::CallSignature s = signatures.at(n.signature).signature();
      size_t at = ops::arity(s).operands;
      for (const ops::Result* r : ops::fresh_results(s)) {
        made_[ids[at++]] = static_cast<uint64_t>(tensor::storage_bytes(r->geometry));
      }
    }
  }

  std::vector<Cut> cuts(const ValueGraph& g) const {
    std::vector<Cut> cuts;
    for (SegmentId s = 0; s < g.segments.size(); ++s) {
      const StorageState* state = state_of(g.segments[s]);
      if (!state || !covers(g.segments[s]) || !counts_alike(*state, g.segments[s])) continue;
      std::ranges::copy(cuts_of(state->layout, s), std::back_inserter(cuts));
    }
    return cuts;
  }

  // Whether every rank runs all of it.
  bool is_whole() const { return in_region_cut_ || in_.whole; }

  StageHome stage_home(const Analysed& w, SegmentId s) const {
    const Segment& segment = w.graph.segments[s];
    if (!covers(segment)) return {StageHome::Kind::kEvery, 0};
    const StorageState* state = state_of(segment);
    if (!state || state->free) return {};
    const Placement& now = state->layout.placement;
    if (!placement_now(w, s) || now.empty() || !now[0].at()) return {StageHome::Kind::kAll, 0};
    return {StageHome::Kind::kAt, now[0].place};
  }

  // Gives every segment that exists a home, and takes those that cannot be. What is there already
  // stays as it is, unless the plan has a wish for weights and what belongs to them.
  void adjust(const Analysed& w, const Roles& roles, LayoutPlan* plan) const {
    const Placement whole(plan->mesh.axes.size());
    for (SegmentId s = 0; s < w.graph.segments.size(); ++s) {
      const Segment& segment = w.graph.segments[s];
      const StorageState* state = state_of(segment);
      if (!covers(segment) || is_whole()) {
        plan->home[s] = whole;
        continue;
      }
      if (!state) continue;  // made here; without a home it lies as it comes
      Placement& home = plan->home.try_emplace(s, whole).first->second;
      if (state->free || state->layout.whole() || plans_for(roles.segments[s])) continue;
      if (const auto now = placement_now(w, s)) home = *now;
    }
  }

  const StorageState* state_of(const Segment& s) const {
    const auto found = in_.storages.find(s.storage);
    return found == in_.storages.end() ? nullptr : &found->second;
  }
  // Whether the segment is its whole storage, so that ranks may have parts of it.
  bool covers(const Segment& s) const {
    if (s.opaque || s.shares_storage || s.begin != 0) return false;
    const uint64_t bytes = static_cast<uint64_t>(s.count) * tensor::dtype_size(s.dtype);
    if (const StorageState* state = state_of(s)) return state->bytes == bytes;
    const auto made = made_.find(s.storage);
    return made != made_.end() && made->second == bytes;
  }
  // How a segment that exists lies; nothing where that is no placement of it.
  std::optional<Placement> placement_now(const Analysed& w, SegmentId s) const {
    const StorageState* state = state_of(w.graph.segments[s]);
    if (!state || !counts_alike(*state, w.graph.segments[s])) return std::nullopt;
    if (!covers(w.graph.segments[s]) && !state->layout.whole()) return std::nullopt;
    return placement_of(state->layout, w.factors, s, mesh_of(in_.degrees));
  }

 private:
  static bool plans_for(Role r) {
    return r == Role::kParameter || r == Role::kState || r == Role::kBuffer;
  }
  // Whether the segment's elements are those that the storage's layout counts.
  static bool counts_alike(const StorageState& state, const Segment& s) {
    return state.layout.whole() ||
           tensor::dtype_size(state.layout.dtype) == tensor::dtype_size(s.dtype);
  }

  const DistributeInput& in_;
  const bool in_region_cut_;            // every rank runs it whole
  std::map<StorageId, uint64_t> made_;  // what the window makes itself, in bytes
};

class Distribution {
 public:
  Distribution(const DistributeInput& in, graph::SignatureTable* signatures)
      : in_(in),
        signatures_(*signatures),
        parts_(find_stage_parts()),
        in_time_(in_time()),
        marked_(in_time_.made.window),
        window_(unmarked(marked_, *in.window)),
        homes_(in, window_, *signatures) {}

  Distributed run() {
    PlannerInput input{.uploaded = uploaded(),
                       .first_temporary = in_time_.made.next_temporary,
                       .wholes = in_time_.made.wholes,
                       .phases = in_time_.made.phases};
    input.cuts = [this](const ValueGraph& g) { return homes_.cuts(g); };
    input.stage_home = [this](const Analysed& w, SegmentId s) { return homes_.stage_home(w, s); };
    input.at_every_stage = homes_.is_whole();
    if (parts_) input.weight_parts = parts_->parts.weights;
    input.overlaps = in_.overlaps;
    input.adjust = [this](const Analysed& w, const Roles& roles, LayoutPlan* plan) {
      homes_.adjust(w, roles, plan);
    };
    planned_ = WindowPlanner(window_, std::move(input), &signatures_).plan(of_ranks());
    for (const ExpandedCalls& e : planned_.expansions) {
      marked_ = expand_calls(marked_, e.calls, e.first_temporary, &signatures_);
    }
    Distributed out;
    if (homes_.is_whole() && !in_.whole) {
      out.why_whole = "a part that may be skipped (gradient scaling) begins or ends in another one";
    }
    const std::vector<Slice>& slices = planned_.roles.nodes;
    out.trains = std::ranges::find(slices, Slice::kBackward) != slices.end() &&
                 std::ranges::find(slices, Slice::kOptimizer) != slices.end();
    const std::vector<FactorId>& sequence = planned_.roles.sequence;
    if (out.trains && !in_.whole) {
      out.unshared = unshared_context(
          in_.degrees, sequence.empty() ? 0 : planned_.analysed->factors.size(sequence[0]));
    }
    lower(&out);
    describe_storages(&out);
    describe_words(&out);
    out.microbatches = in_time_.count;
    out.barriers = in_time_.made.barriers;
    out.in_time = in_time_.refused;
    return out;
  }

 private:
  std::vector<StorageId> uploaded() const {
    std::vector<StorageId> ids;
    for (const auto& [id, state] : in_.storages) {
      if (state.free) ids.push_back(id);
    }
    return ids;
  }
  Degrees of_ranks() const {
    Degrees d = in_.degrees;
    d.microbatches = 1;
    d.recompute = Recompute::kNone;
    return d;
  }
  // What the stages' parts of the window are where micro-batches go through them by turns.
  struct Parts {
    std::unique_ptr<Analysed> recorded{};
    StageParts parts{};
  };
  std::optional<Parts> find_stage_parts() const {
    const Degrees& d = in_.degrees;
    const Homes homes(in_, *in_.window, signatures_);
    if (d.pp <= 1 || d.microbatches <= 1 || homes.is_whole()) return std::nullopt;
    Parts p{.recorded = std::make_unique<Analysed>(
                *in_.window, signatures_, [&](const ValueGraph& g) { return homes.cuts(g); })};
    const Analysed& w = *p.recorded;
    const StageInput in{.factors = &w.factors,
                        .stages = d.pp,
                        .chunks = d.schedule.chunks,
                        .homes = [&](SegmentId s) { return homes.stage_home(w, s); }};
    p.parts = find_parts(w.graph, find_roles(w.graph, w.factors, uploaded()), in);
    return p;
  }
  TimeOrder order(int microbatches) const {
    return stage_order(parts_->recorded->graph, in_.window->nodes.size(), parts_->parts,
                       in_.degrees, microbatches)
        .value();
  }
  WindowInTime in_time() const {
    InTimeInput in{.window = in_.window,
                   .words = marked(*in_.window).words,
                   .uploaded = uploaded(),
                   .first_temporary = in_.first_temporary,
                   .degrees = in_.degrees,
                   .microbatch_rows = in_.microbatch_rows};
    if (in_.whole) in.degrees = {};
    if (parts_) in.order = [this](int m) { return order(m); };
    return window_in_time(in, &signatures_);
  }
  void lower(Distributed* out) {
    const Analysed& w = *planned_.analysed;
    Lowering lowering{&marked_, &w.graph, &w.factors, &planned_.program, {}, {}, {}};
    for (SegmentId s = 0; s < w.graph.segments.size(); ++s) {
      if (homes_.state_of(w.graph.segments[s])) lowering.existing[s] = planned_.plan.home.at(s);
    }
    for (const auto& [id, state] : in_.storages) {
      const Placement& now = state.layout.placement;
      if (!now.empty() && now[0].at()) lowering.at_stage[id] = now[0].place;
    }
    for (const Segment& s : w.graph.segments) lowering.at_stage.erase(s.storage);
    out->next_temporary = planned_.next_temporary;
    std::vector<graph::Window> windows;
    const Mesh& mesh = planned_.program.mesh;
    for (uint32_t stage = 0; stage < static_cast<uint32_t>(mesh.stages()); ++stage) {
      std::optional<StageLowering> part;
      if (mesh.stages() > 1) part.emplace(lowering, stage);
      for (int rank = 0; rank < mesh.stage_ranks(); ++rank) {
        windows.push_back(lower_rank(part ? part->lowering() : lowering, rank,
                                     planned_.next_temporary, &signatures_));
      }
    }
    out->verified = verify(lowering, windows, signatures_);
    for (graph::Window& window : windows) {
      RankWindow& r = out->ranks.emplace_back();
      r.window = std::move(window);
      for (const uint64_t word : r.window.words) {
        const bool recorded = (word & kMarkBits) == kMark;
        r.words.push_back({recorded, recorded ? word & ~kMarkBits : word});
      }
      for (const StorageId id : r.window.storages) {
        out->next_temporary = std::max(out->next_temporary, id + 1);
      }
    }
  }

  void describe_storages(Distributed* out) const {
    const Analysed& w = *planned_.analysed;
    const ValueGraph& g = w.graph;
    for (SegmentId s = 0; s < g.segments.size(); ++s) {
      const StorageState* state = homes_.state_of(g.segments[s]);
      if (!state) continue;
      const Placement& home = planned_.plan.home.at(s);
      if (!state->free && homes_.placement_now(w, s) == home) continue;
      out->before[g.segments[s].storage] = layout_of(home, g, w.factors, s);
    }
    for (const auto& [id, state] : in_.storages) {
      if (state.free) out->before.try_emplace(id);  // no element of it is used
    }
    for (size_t i = 0; i < g.outputs.size(); ++i) {
      const SegmentId s = g.values[g.outputs[i]].segment;
      const Placement& p = planned_.program.registers[planned_.program.outputs[i]].placement;
      out->after[g.segments[s].storage] =
          homes_.covers(g.segments[s]) ? layout_of(p, g, w.factors, s) : StorageLayout{};
    }
  }

  void describe_words(Distributed* out) const {
    const Analysed& w = *planned_.analysed;
    const auto assume = [&](uint64_t at) {
      if ((at & kMarkBits) != kMark) return;
      const auto position = static_cast<uint32_t>(at & ~kMarkBits);
      out->assumed.emplace_back(position, in_.window->words[position]);
    };
    std::ranges::for_each(in_time_.made.assumed, assume);
    for (NodeId n = 0; n < w.graph.nodes.size(); ++n) {
      for (const uint32_t word : w.factors.rule(n).rule.assumed_words) {
        assume(marked_.words[w.graph.nodes[n].words[word]]);
      }
    }
  }

  const DistributeInput& in_;
  graph::SignatureTable& signatures_;
  const std::optional<Parts> parts_;
  const WindowInTime in_time_;
  graph::Window marked_;
  const graph::Window window_;
  const Homes homes_;
  PlannedWindow planned_;
};

}  // namespace

Distributed distribute(const DistributeInput& in, graph::SignatureTable* signatures) {
  return Distribution(in, signatures).run();
}

}  // namespace moai::compiler
