#include "moai/compiler/planner/stages.h"

#include <algorithm>
#include <map>
#include <set>

#include "moai/compiler/analysis/factor_touch.h"
#include "moai/compiler/planner/stage_cut.h"
#include "moai/compiler/planner/stage_line.h"
#include "moai/compiler/sharding/skipped_region.h"

namespace moai::compiler {
namespace {

// A cut that is so much better is worth moving weights for.
constexpr double kWorthMoving = 1.25;

class Assignment {
 public:
  Assignment(const ValueGraph& g, const Roles& roles, const StageInput& in)
      : graph_(g),
        roles_(roles),
        in_(in),
        flow_(g),
        line_(flow_, roles),
        stages_(static_cast<uint32_t>(in.stages)),
        parts_(stages_ * static_cast<uint32_t>(in.chunks)),
        node_(g.nodes.size(), kNone),
        home_(g.segments.size(), kNone) {
    for (SegmentId s = 0; s < g.segments.size(); ++s) lies_.push_back(in.homes(s));
    goes_by_line_ = by_line();
  }

  void run(LayoutPlan* plan) {
    if (goes_by_line_) {
      for (NodeId n = 0; n < node_.size(); ++n) {
        if (line_.node_at[n] != kNone) node_[n] = part_of_[line_.node_at[n]] % stages_;
      }
    }
    find_weight_homes();
    place_rest();
    place_by_readers();
    // All skip, or none.
    for (NodeId n = 0; n < node_.size(); ++n) {
      if (borders_region(graph_, n)) node_[n] = kNone;
    }
    write_plan(plan);
  }

  StageParts parts() {
    StageParts out{.nodes = std::vector<int32_t>(node_.size(), StageParts::kNone),
                   .weight_gradients = std::vector<bool>(node_.size()),
                   .costs = std::vector<StageParts::Cost>(parts_)};
    if (!goes_by_line_) return out;
    for (NodeId n = 0; n < node_.size(); ++n) {
      if (line_.node_at[n] != kNone) {
        out.nodes[n] = static_cast<int32_t>(part_of_[line_.node_at[n]]);
      }
    }
    for (const SegmentId s : line_.weights) {
      out.weights[graph_.segments[s].storage] = part_of_[line_.weight_at[s]];
    }
    find_weight_gradients(&out);
    add_costs(&out);
    return out;
  }

 private:
  using Kind = StageHome::Kind;

  SegmentId segment(ValueId v) const { return graph_.values[v].segment; }
  double bytes(ValueId v) const { return segment_bytes(graph_, segment(v)); }
  bool is(SegmentId s, Role role) const { return roles_.segments[s] == role; }
  bool is_kept(SegmentId s) const {
    return is(s, Role::kParameter) || is(s, Role::kState) || is(s, Role::kBuffer) ||
           is(s, Role::kGradient);
  }

  // ---- the line

  // Whether calls follow their places on the line, cut by `part_of_`. Without a backward part they
  // follow where weights lie, so that an evaluation moves none.
  bool by_line() {
    if (line_.weights.empty()) return false;
    const auto lies_at = [&](SegmentId s) { return lies_[s].kind == Kind::kAt; };
    const bool lie = std::ranges::any_of(line_.weights, lies_at);
    const auto is_free = [&](SegmentId s) { return lies_[s].kind == Kind::kFree; };
    if (roles_.backward_begin == kNone && !std::ranges::all_of(line_.weights, is_free)) {
      return false;
    }
    if (in_.weights) {
      part_of_ = as_decided();
      return true;
    }
    std::vector<double> crossing = line_.crossing_bytes;
    for (double& c : crossing) c *= kFlopsPerCrossingByte;
    part_of_ = best_cut(line_.seconds, crossing, parts_);
    if (!lie) return true;
    const std::vector<uint32_t> now = as_they_lie();
    if (now.empty()) return true;
    const CutPrice best = cut_price(line_.seconds, crossing, part_of_, parts_);
    const CutPrice as_is = cut_price(line_.seconds, crossing, now, parts_);
    if (as_is.slowest <= best.slowest * kWorthMoving) part_of_ = now;
    return true;
  }
  std::vector<uint32_t> as_decided() const {
    std::vector<uint32_t> parts(line_.places, 0);
    for (const SegmentId s : line_.weights) {
      const auto found = in_.weights->find(graph_.segments[s].storage);
      if (found != in_.weights->end()) parts[line_.weight_at[s]] = found->second;
    }
    for (size_t i = 1; i < parts.size(); ++i) parts[i] = std::max(parts[i], parts[i - 1]);
    return parts;
  }
  // Nothing where no parts in their order lie so.
  std::vector<uint32_t> as_they_lie() const {
    std::vector<uint32_t> now(line_.places, kNone);
    for (const SegmentId s : line_.weights) {
      uint32_t& at = now[line_.weight_at[s]];
      if (lies_[s].kind == Kind::kAt && at == kNone) at = lies_[s].stage;
    }
    uint32_t part = 0;
    for (uint32_t& at : now) {
      if (at != kNone) part += (at + stages_ - part % stages_) % stages_;
      if (part >= parts_) return {};
      at = part;
    }
    return now;
  }

  // ---- parts

  // Backward calls that leave no activation's gradient, and nothing that one is made of.
  void find_weight_gradients(StageParts* out) const {
    for (NodeId n = static_cast<NodeId>(node_.size()); n-- > 0;) {
      if (roles_.nodes[n] != Slice::kBackward) continue;
      out->weight_gradients[n] = std::ranges::all_of(flow_.made[n], [&](ValueId v) {
        const bool activation = std::ranges::any_of(
            roles_.batch, [&](FactorId f) { return has_factor(*in_.factors, segment(v), f); });
        return !activation && std::ranges::all_of(flow_.readers[v], [&](NodeId r) {
          return roles_.nodes[r] != Slice::kBackward || out->weight_gradients[r];
        });
      });
    }
  }
  void add_costs(StageParts* out) const {
    for (NodeId n = 0; n < node_.size(); ++n) {
      if (out->nodes[n] == StageParts::kNone) continue;
      StageParts::Cost& cost = out->costs[static_cast<size_t>(out->nodes[n])];
      const bool forward = roles_.nodes[n] == Slice::kForward;
      (forward                    ? cost.forward
       : out->weight_gradients[n] ? cost.weight_gradient
                                  : cost.input_gradient) += line_.node_seconds[n];
    }
    for (uint32_t place = 1; place < line_.places; ++place) {
      if (part_of_[place] == part_of_[place - 1]) continue;
      out->costs[part_of_[place - 1]].sent = line_.crossing_bytes[place] * kFlopsPerCrossingByte;
    }
  }

  // A weight lives at the first stage that uses it; where calls follow it, where it is.
  void find_weight_homes() {
    for (SegmentId s = 0; s < graph_.segments.size(); ++s) {
      if (lies_[s].kind == Kind::kAt && !(goes_by_line_ && is(s, Role::kParameter))) {
        home_[s] = lies_[s].stage;
      }
    }
    if (!goes_by_line_) return;
    std::vector<uint32_t> first(graph_.segments.size(), kNone);
    for (NodeId n = 0; n < node_.size(); ++n) {
      if (node_[n] == kNone || roles_.nodes[n] != Slice::kForward) continue;
      for (const ValueId v : flow_.read[n]) {
        const SegmentId s = segment(v);
        if (!is(s, Role::kParameter) || line_.weight_at[s] == kNone) continue;
        const uint32_t part = part_of_[line_.node_at[n]];
        if (first[s] <= part) continue;
        first[s] = part;
        home_[s] = part % stages_;
      }
    }
  }

  // ---- what is not on the line

  uint32_t stage_of(ValueId v) const {
    const NodeId from = graph_.values[v].producer;
    return from == kNone ? home_[segment(v)] : node_[from];
  }

  // The stage of most bytes; kNone without any.
  class Votes {
   public:
    void add(uint32_t stage, double bytes) {
      if (stage != kNone) votes_[stage] += bytes;
    }
    uint32_t most() const {
      uint32_t best = kNone;
      for (const auto& [stage, bytes] : votes_) {
        if (best == kNone || bytes > votes_.at(best)) best = stage;
      }
      return best;
    }

   private:
    std::map<uint32_t, double> votes_;
  };

  // Where it writes what is kept; else where most of what it reads is, first of what existed.
  uint32_t wanted_stage(NodeId n) const {
    Votes written, older, read;
    for (const ValueId v : flow_.made[n]) {
      const SegmentId weight = line_.gradient_of[v];
      if (weight != kNone) written.add(home_[weight], bytes(v));
      written.add(home_[segment(v)], bytes(v));
    }
    const bool optimizer = roles_.nodes[n] == Slice::kOptimizer;
    if (optimizer && written.most() != kNone) return written.most();
    for (const ValueId v : flow_.read[n]) {
      if (graph_.values[v].producer == kNone) older.add(home_[segment(v)], bytes(v));
      read.add(stage_of(v), bytes(v));
    }
    if (!optimizer && older.most() != kNone) return older.most();
    if (read.most() != kNone) return read.most();
    return written.most();
  }
  // State and gradients that live on have the home of the call that writes them first.
  void note_homes(NodeId n) {
    for (const ValueId v : flow_.made[n]) {
      const SegmentId s = segment(v);
      if (is_kept(s) && home_[s] == kNone) home_[s] = node_[n];
    }
  }

  void place_rest() {
    for (int round = 0; round < 2; ++round) {
      for (NodeId n = 0; n < node_.size(); ++n) {
        if (node_[n] == kNone && !is_data_only(n)) node_[n] = wanted_stage(n);
        if (node_[n] != kNone) note_homes(n);
      }
      if (round == 1) break;
      // What counts steps knows only from its readers whose step it counts.
      for (NodeId n = static_cast<NodeId>(node_.size()); n-- > 0;) {
        if (node_[n] != kNone || roles_.nodes[n] != Slice::kOptimizer) continue;
        Votes readers;
        for (const ValueId v : flow_.made[n]) {
          for (const NodeId r : flow_.readers[v]) readers.add(node_[r], 1);
        }
        node_[n] = readers.most();
      }
    }
  }

  // On a line, what no weight leads to.
  bool is_data_only(NodeId n) const {
    return goes_by_line_ && roles_.nodes[n] == Slice::kForward && line_.node_at[n] == kNone;
  }

  // The others run at the one stage that reads them, else at all.
  void place_by_readers() {
    for (NodeId n = static_cast<NodeId>(node_.size()); n-- > 0;) {
      if (node_[n] != kNone) continue;
      std::set<uint32_t> at;
      for (const ValueId v : flow_.made[n]) {
        const SegmentId s = segment(v);
        if (home_[s] != kNone) at.insert(home_[s]);
        for (const NodeId r : flow_.readers[v]) {
          at.insert(node_[r]);  // kNone: at all of them
        }
      }
      if (at.size() == 1) node_[n] = *at.begin();
    }
  }

  // ---- the plan

  void write_plan(LayoutPlan* plan) {
    plan->stages.clear();
    for (const uint32_t stage : node_) {
      plan->stages.push_back(stage == kNone ? kEveryStage : static_cast<int32_t>(stage));
    }
    std::vector<std::set<uint32_t>> readers(graph_.segments.size()), writers = readers;
    for (NodeId n = 0; n < node_.size(); ++n) {
      for (const ValueId v : flow_.read[n]) readers[segment(v)].insert(node_[n]);
      for (const ValueId v : flow_.made[n]) writers[segment(v)].insert(node_[n]);
    }
    std::vector<bool> ends(graph_.segments.size());
    for (const ValueId v : graph_.inputs) ends[segment(v)] = true;
    for (const ValueId v : graph_.outputs) ends[segment(v)] = true;
    for (SegmentId s = 0; s < graph_.segments.size(); ++s) {
      set_home(plan, s, ends[s] ? wished(s, readers[s], writers[s]) : kNone);
    }
  }
  uint32_t wished(SegmentId s, const std::set<uint32_t>& readers,
                  const std::set<uint32_t>& writers) const {
    if (lies_[s].kind == Kind::kEvery || graph_.segments[s].shares_storage) return kNone;
    if (home_[s] != kNone) return home_[s];
    const std::set<uint32_t>& users = writers.empty() ? readers : writers;
    return users.size() == 1 ? *users.begin() : kNone;
  }
  // Where nothing is said a segment lies as it is made.
  void set_home(LayoutPlan* plan, SegmentId s, uint32_t stage) const {
    const auto found = plan->home.find(s);
    if (found == plan->home.end() && stage == kNone) return;
    const bool made_here = !flow_.input[s] && !is_kept(s) && found == plan->home.end();
    if (made_here) return;
    Placement& p = plan->home.try_emplace(s, Placement(plan->mesh.axes.size())).first->second;
    p[0] = stage == kNone ? replicated() : at_stage(stage);
  }

  const ValueGraph& graph_;
  const Roles& roles_;
  const StageInput& in_;
  const Dataflow flow_;
  const StageLine line_;
  const uint32_t stages_, parts_;
  bool goes_by_line_ = false;
  std::vector<uint32_t> part_of_;  // by place on the line
  std::vector<uint32_t> node_;     // by node; kNone: at every stage, or not known yet
  std::vector<uint32_t> home_;     // by segment; likewise
  std::vector<StageHome> lies_;    // by segment
};

}  // namespace

StageParts find_parts(const ValueGraph& g, const Roles& roles, const StageInput& in) {
  return Assignment(g, roles, in).parts();
}

void assign_stages(const ValueGraph& g, const Roles& roles, const StageInput& in,
                   LayoutPlan* plan) {
  Assignment(g, roles, in).run(plan);
}

void run_at_every_stage(const ValueGraph& g, LayoutPlan* plan) {
  plan->stages.assign(g.nodes.size(), kEveryStage);
}

}  // namespace moai::compiler
