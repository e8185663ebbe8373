#include "moai/compiler/planner/stages.h"

#include <algorithm>
#include <map>
#include <set>

#include "moai/compiler/analysis/factor_touch.h"
#include "moai/compiler/planner/stage_cut.h"
#include "moai/compiler/planner/stage_line.h"

namespace moai::compiler {
namespace {

// What a byte between stages costs in FLOPs, as stage_line.cc counts seconds.
constexpr double kFlopsPerCrossingByte = 200;
// A cut that is so much better is worth moving weights for.
constexpr double kWorthMoving = 1.25;

class Assignment {
 public:
  Assignment(const ValueGraph& g, const Roles& roles, const StageHomes& homes, LayoutPlan* plan)
      : graph_(g),
        roles_(roles),
        flow_(g),
        line_(flow_, roles),
        stages_(static_cast<uint32_t>(plan->mesh.stages())),
        plan_(*plan),
        node_(g.nodes.size(), kNone),
        home_(g.segments.size(), kNone) {
    for (SegmentId s = 0; s < g.segments.size(); ++s) lies_.push_back(homes(s));
  }

  void run() {
    goes_by_line_ = by_line();
    if (goes_by_line_) {
      for (NodeId n = 0; n < node_.size(); ++n) {
        if (line_.node_at[n] != kNone) node_[n] = stage_of_[line_.node_at[n]];
      }
    }
    find_weight_homes();
    place_rest();
    place_by_readers();
    write_plan();
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

  // Whether calls follow their places on the line, cut by `stage_of_`. They follow where things lie
  // instead where the window is a part of a step.
  bool by_line() {
    if (line_.weights.empty()) return false;
    const auto lies_at = [&](SegmentId s) { return lies_[s].kind == Kind::kAt; };
    const bool lie = std::ranges::any_of(line_.weights, lies_at);
    if (lie && roles_.backward_begin == kNone) return false;
    std::vector<double> crossing = line_.crossing_bytes;
    for (double& c : crossing) c *= kFlopsPerCrossingByte;
    stage_of_ = best_cut(line_.seconds, crossing, stages_);
    if (!lie) return true;
    const std::vector<uint32_t> now = as_they_lie();
    if (!std::ranges::is_sorted(now)) return true;
    const CutPrice best = cut_price(line_.seconds, crossing, stage_of_, stages_);
    const CutPrice as_is = cut_price(line_.seconds, crossing, now, stages_);
    if (as_is.slowest <= best.slowest * kWorthMoving) stage_of_ = now;
    return true;
  }
  std::vector<uint32_t> as_they_lie() const {
    std::vector<uint32_t> now(line_.places, kNone);
    for (const SegmentId s : line_.weights) {
      uint32_t& at = now[line_.weight_at[s]];
      if (lies_[s].kind == Kind::kAt && at == kNone) at = lies_[s].stage;
    }
    for (size_t i = 0; i < now.size(); ++i) {
      if (now[i] == kNone) now[i] = i == 0 ? 0 : now[i - 1];
    }
    return now;
  }

  // A weight lives at the first stage that uses it; where calls follow it, where it is.
  void find_weight_homes() {
    for (SegmentId s = 0; s < graph_.segments.size(); ++s) {
      if (lies_[s].kind == Kind::kAt && !(goes_by_line_ && is(s, Role::kParameter))) {
        home_[s] = lies_[s].stage;
      }
    }
    if (!goes_by_line_) return;
    for (NodeId n = 0; n < node_.size(); ++n) {
      if (node_[n] == kNone || roles_.nodes[n] != Slice::kForward) continue;
      for (const ValueId v : flow_.read[n]) {
        const SegmentId s = segment(v);
        if (is(s, Role::kParameter) && line_.weight_at[s] != kNone) {
          home_[s] = std::min(home_[s], node_[n]);
        }
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

  void write_plan() {
    plan_.stages.clear();
    for (const uint32_t stage : node_) {
      plan_.stages.push_back(stage == kNone ? kEveryStage : static_cast<int32_t>(stage));
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
      set_home(s, ends[s] ? wished(s, readers[s], writers[s]) : kNone);
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
  void set_home(SegmentId s, uint32_t stage) {
    const auto found = plan_.home.find(s);
    if (found == plan_.home.end() && stage == kNone) return;
    const bool made_here = !flow_.input[s] && !is_kept(s) && found == plan_.home.end();
    if (made_here) return;
    Placement& p = plan_.home.try_emplace(s, Placement(plan_.mesh.axes.size())).first->second;
    p[0] = stage == kNone ? replicated() : at_stage(stage);
  }

  const ValueGraph& graph_;
  const Roles& roles_;
  const Dataflow flow_;
  const StageLine line_;
  const uint32_t stages_;
  LayoutPlan& plan_;
  bool goes_by_line_ = false;
  std::vector<uint32_t> stage_of_;  // by place on the line
  std::vector<uint32_t> node_;      // by node; kNone: at every stage, or not known yet
  std::vector<uint32_t> home_;      // by segment; likewise
  std::vector<StageHome> lies_;     // by segment
};

}  // namespace

void assign_stages(const ValueGraph& g, const Roles& roles, const StageHomes& homes,
                   LayoutPlan* plan) {
  Assignment(g, roles, homes, plan).run();
}

void run_at_every_stage(const ValueGraph& g, LayoutPlan* plan) {
  plan->stages.assign(g.nodes.size(), kEveryStage);
}

}  // namespace moai::compiler
