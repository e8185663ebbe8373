#include "moai/compiler/sharding/partition.h"

#include <algorithm>
#include <limits>
#include <map>
#include <optional>
#include <set>

#include "moai/compiler/sharding/bundled_moves.h"
#include "moai/compiler/sharding/drawn_shares.h"
#include "moai/compiler/sharding/move_cost.h"
#include "moai/compiler/sharding/skipped_region.h"
#include "moai/compiler/sharding/strategies.h"

namespace moai::compiler {
namespace {

class Partition {
 public:
  Partition(const ValueGraph& g, const Factors& factors, const LayoutPlan& plan,
            const DrawnShares& drawn)
      : graph_(g),
        factors_(factors),
        plan_(plan),
        drawn_(drawn),
        cost_(g, factors, plan),
        regions_(skipped_regions(g)) {
    program_.mesh = plan.mesh;
    region_ = regions_.begin();
    available_.resize(g.values.size());
    input_.resize(g.segments.size());
    for (size_t a = 0; a < plan.mesh.axes.size(); ++a) order_.push_back(a);
    // Axes that keep weights choose first: their cuts leave less freedom.
    std::stable_partition(order_.begin(), order_.end(), [&](size_t a) {
      return plan.policies[a].keeps == AxisPolicy::Keeps::kWeights;
    });
    // Which stage runs a call is decided already.
    if (plan.mesh.has_stages()) {
      std::erase(order_, size_t{0});
      order_.insert(order_.begin(), 0);
    }
  }

  SpmdProgram run() {
    for (const ValueId v : graph_.inputs) {
      input_[graph_.values[v].segment] = true;
      program_.inputs.push_back(add(v, home(v)));
    }
    find_weights();
    for (NodeId n = 0; n < graph_.nodes.size(); ++n) {
      if (n == plan_.regather || std::ranges::binary_search(plan_.regather_again, n)) {
        forget_gathered();
      }
      reader_ = n;
      enter_region(n);
      leave_region(n);
      place(n);
      if (region_ != regions_.end() && n == region_->end) forget_region();
    }
    reader_ = kNone;
    for (const ValueId v : graph_.outputs) program_.outputs.push_back(settled(v));
    return std::move(program_);
  }
  // Of the outputs, which must end in their home; after run().
  std::vector<bool> pinned() const {
    std::vector<bool> pinned;
    for (const ValueId v : graph_.outputs) pinned.push_back(has_home(v));
    return pinned;
  }

 private:
  Placement home(ValueId v) const {
    const SegmentId s = graph_.values[v].segment;
    const auto found = plan_.home.find(s);
    const bool is_free = found == plan_.home.end() || graph_.segments[s].shares_storage;
    return is_free ? Placement(plan_.mesh.axes.size()) : found->second;
  }
  // Whether the value must end in its home.
  bool has_home(ValueId v) const {
    const SegmentId s = graph_.values[v].segment;
    return plan_.home.contains(s) || graph_.segments[s].shares_storage || is_input(v);
  }
  // Whether the segment was there when the window began.
  bool is_input(ValueId v) const { return input_[graph_.values[v].segment]; }

  void settle_outputs() {
    for (const ValueId v : graph_.outputs) {
      if (!available_[v].empty()) settled(v);
    }
  }
  // The value in its home, or as its storage was made; a partial one is resolved.
  RegisterId settled(ValueId v) {
    if (has_home(v)) return want(v, home(v));
    const auto made = made_as_.find(graph_.values[v].segment);
    return want(v, made != made_as_.end()
                       ? made->second
                       : resolved(program_.registers[available_[v].front()].placement));
  }

  const Placement& placement(RegisterId r) const { return program_.registers[r].placement; }

  RegisterId add(ValueId v, Placement p) {
    program_.registers.push_back({v, std::move(p)});
    const auto id = static_cast<RegisterId>(program_.registers.size() - 1);
    available_[v].push_back(id);
    return id;
  }

  // ---- regions that may be skipped

  void enter_region(NodeId n) {
    if (region_ == regions_.end() || n != region_->begin) return;
    for (const ValueId v : region_->used) {
      const std::vector<RegisterId>& all = available_[v];
      const Placement whole = all.empty() ? Placement{} : resolved(placement(all[0]));
      const auto is_partial = [&](RegisterId r) {
        return std::ranges::any_of(placement(r), &AxisPlacement::partial);
      };
      if (!all.empty() && std::ranges::all_of(all, is_partial)) want(v, whole);
    }
    for (const ValueId v : region_->before) {
      if (!available_[v].empty()) settled(v);
    }
    settle_outputs();
    region_registers_ = program_.registers.size();
  }
  void leave_region(NodeId n) {
    if (region_ == regions_.end() || n != region_->end) return;
    for (const ValueId v : region_->after) settled(v);
    settle_outputs();
  }
  // What was made in it is only where it would be had it been skipped.
  void forget_region() {
    const std::set<ValueId> kept(region_->after.begin(), region_->after.end());
    std::map<ValueId, RegisterId> home;
    for (const ValueId v : kept) home[v] = settled(v);
    for (ValueId v = 0; v < graph_.values.size(); ++v) {
      std::erase_if(available_[v], [&](RegisterId r) {
        return r >= region_registers_ && !(kept.contains(v) && home[v] == r);
      });
    }
    ++region_;
  }

  // ---- calls

  void place(NodeId id) {
    const ValueNode& n = graph_.nodes[id];
    const std::vector<const Use*> made = made_uses(n);
    const size_t axes = plan_.mesh.axes.size();
    CallStep step{.node = id, .work = std::vector<AxisWork>(axes)};
    std::vector<Placement> wanted(n.operands.size(), Placement(axes));
    std::vector<Placement> makes(made.size(), Placement(axes));
    TakenParts taken;
    for (const size_t a : order_) {
      const Strategy s = cheapest({n, id, a, taken, wanted, made, makes});
      step.work[a] = s.work;
      if (s.work.kind == AxisWork::Kind::kSplit) taken.insert({s.work.factor, s.work.part});
      for (size_t i = 0; i < wanted.size(); ++i) wanted[i][a] = s.operands[i];
      for (size_t i = 0; i < makes.size(); ++i) makes[i][a] = s.made[i];
    }
    for (size_t i = 0; i < n.operands.size(); ++i) {
      const ValueId v = n.operands[i].value;
      step.operands.push_back(v == kNone ? kNone : want(v, wanted[i]));
    }
    for (size_t i = 0; i < made.size(); ++i) {
      step.made.push_back(made[i]->made == kNone ? kNone : add(made[i]->made, makes[i]));
      if (made[i]->made != kNone && made[i]->value == kNone) {
        made_as_.try_emplace(graph_.values[made[i]->made].segment, resolved(makes[i]));
      }
    }
    program_.steps.push_back(std::move(step));
    for (const Use* u : made) enter(u->made);
  }

  // What is whole on the axis goes on as a share alone.
  void enter(ValueId v) {
    const auto entry = plan_.entries.find(v);
    if (entry == plan_.entries.end()) return;
    const auto [axis, place] = entry->second;
    const RegisterId whole = available_[v].front();
    Placement share = placement(whole);
    const bool taken = std::ranges::find(share, split_at(place)) != share.end();
    if (taken || !share[axis].replicated()) return;
    share[axis] = split_at(place);
    move(v, whole, axis, std::move(share));
    std::erase(available_[v], whole);
  }

  // A call on one axis, with what other axes have taken, want and make.
  struct OnAxis {
    const ValueNode& node;
    NodeId id;
    size_t axis;
    const TakenParts& taken;
    const std::vector<Placement>& wanted;
    const std::vector<const Use*>& made;
    const std::vector<Placement>& makes;
  };
  Strategy cheapest(const OnAxis& c) {
    if (c.axis == 0 && plan_.mesh.has_stages()) return on_stages(c);
    std::vector<Strategy> all =
        strategies(graph_, factors_, c.id, plan_.mesh.axes[c.axis].size, c.taken);
    if (const auto drawn = drawn_.find(c.id); drawn != drawn_.end()) {
      for (Strategy& s : all) {
        if (s.work == drawn->second[c.axis]) return std::move(s);
      }
    }
    if (Strategy* at_home = made_at_home(c, &all)) return std::move(*at_home);
    Strategy* best = nullptr;
    double best_cost = std::numeric_limits<double>::infinity();
    for (Strategy& s : all) {
      const double cost = cost_of(c, s);
      // What is written goes home in the end: of two ways that cost the same, there.
      const bool cheaper = !best || cost < best_cost - 1e-12;
      const bool homeward =
          best && cost < best_cost + 1e-12 && writes_home(c, s) && !writes_home(c, *best);
      if (cheaper || homeward) {
        best_cost = std::min(cost, best_cost);
        best = &s;
      }
    }
    return std::move(*best);
  }
  double cost_of(const OnAxis& c, const Strategy& s) {
    const ValueNode& n = c.node;
    double cost = 0;
    for (size_t i = 0; i < n.operands.size(); ++i) {
      const ValueId v = n.operands[i].value;
      if (v == kNone) continue;
      double least = std::numeric_limits<double>::infinity();
      for (const RegisterId r : available_[v]) {
        Placement& as_is = scratch_ = placement(r);
        as_is[c.axis] = s.operands[i];
        // Axes that were decided count as they will be.
        for (const size_t a : order_) {
          if (a == c.axis) break;
          as_is[a] = c.wanted[i][a];
        }
        least = std::min(least, cost_.on_axis(c.axis, v, placement(r)[c.axis], as_is));
      }
      cost += least;
    }
    for (size_t i = 0; i < c.made.size(); ++i) {
      const ValueId made = c.made[i]->made;
      if (made != kNone && s.made[i].partial()) {
        cost += cost_.of_sum(c.axis, made, c.makes[i]);
      } else if (made != kNone && s.made[i].split()) {
        cost += cost_.of_share(c.axis, made, n);
      }
    }
    return cost;
  }

  // Where the plan has the call run.
  Strategy on_stages(const OnAxis& c) const {
    const int32_t stage = plan_.stages[c.id];
    const bool every = stage == kEveryStage;
    const AxisPlacement p = every ? replicated() : at_stage(static_cast<uint32_t>(stage));
    Strategy s{.operands = std::vector(c.node.operands.size(), p),
               .made = std::vector(c.made.size(), p)};
    if (!every) s.work = {AxisWork::Kind::kAt, 0, static_cast<uint32_t>(stage)};
    return s;
  }

  // Whether all that the call writes in place lies in its home on the axis.
  bool writes_home(const OnAxis& c, const Strategy& s) const {
    bool any = false;
    for (size_t i = c.node.results.size(); i < c.made.size(); ++i) {
      if (c.made[i]->made == kNone) continue;
      const auto home = plan_.home.find(graph_.values[c.made[i]->made].segment);
      if (home == plan_.home.end() || home->second[c.axis] != s.made[i]) return false;
      any = true;
    }
    return any;
  }

  // What reads nothing follows no operand: it makes a segment in its home, where that is in shares,
  // so that a weight which is born in the window never lies whole.
  Strategy* made_at_home(const OnAxis& c, std::vector<Strategy>* strategies) const {
    const auto reads = [](const Use& u) { return u.value != kNone; };
    if (c.made.empty() || std::ranges::any_of(c.node.operands, reads)) return nullptr;
    const auto is_home = [&](size_t i, const AxisPlacement& p) {
      if (c.made[i]->made == kNone) return true;
      const auto home = plan_.home.find(graph_.values[c.made[i]->made].segment);
      return home != plan_.home.end() && home->second[c.axis].split() && home->second[c.axis] == p;
    };
    for (Strategy& s : *strategies) {
      bool all = true;
      for (size_t i = 0; i < c.made.size(); ++i) all &= is_home(i, s.made[i]);
      if (all) return &s;
    }
    return nullptr;
  }

  // ---- moves

  RegisterId want(ValueId v, const Placement& wanted) {
    RegisterId at = kNone;
    double least = std::numeric_limits<double>::infinity();
    for (const RegisterId r : available_[v]) {
      if (program_.registers[r].placement == wanted) return r;
      const double c = cost_.of(v, program_.registers[r].placement, wanted);
      if (at == kNone || c < least) {
        at = r;
        least = c;
      }
    }
    while (program_.registers[at].placement != wanted) at = one_move(v, at, wanted);
    return at;
  }

  // Slices come first, for they make the rest cheaper; then reductions, then what goes to another
  // stage, then gathers.
  static int turn(const AxisPlacement& from) {
    return from.replicated() ? 0 : from.partial() ? 1 : from.at() ? 2 : 3;
  }

  RegisterId one_move(ValueId v, RegisterId at, const Placement& wanted) {
    const Placement& now = program_.registers[at].placement;
    std::vector<size_t> open;
    for (const size_t a : order_) {
      if (now[a] != wanted[a]) open.push_back(a);
    }
    std::ranges::stable_sort(open, {}, [&](size_t a) { return turn(now[a]); });
    const auto is_free = [&](size_t a) {
      if (!wanted[a].split()) return true;
      for (size_t other = 0; other < now.size(); ++other) {
        if (other != a && now[other] == wanted[a]) return false;
      }
      return true;
    };
    const auto free = std::ranges::find_if(open, is_free);
    const size_t axis = free != open.end() ? *free : open[0];
    Placement next = now;
    // Two axes that swap factors: one goes through replicated.
    next[axis] = free != open.end() ? wanted[axis] : replicated();
    // A partial value of another kind than is wanted is resolved first.
    if (now[axis].partial() && next[axis].partial()) next[axis] = replicated();
    if (now[axis].partial() && next[axis].split() && now[axis].reduction != ops::Reduction::kSum) {
      next[axis] = replicated();
    }
    if (now[axis].split() && next[axis].partial()) next[axis] = replicated();
    return move(v, at, axis, std::move(next));
  }

  RegisterId move(ValueId v, RegisterId at, size_t axis, Placement next) {
    for (const RegisterId r : available_[v]) {
      if (program_.registers[r].placement == next) return r;
    }
    const AxisPlacement from = program_.registers[at].placement[axis];
    const AxisPlacement to = next[axis];
    const RegisterId made = add(v, std::move(next));
    MoveKind kind = MoveKind::kSlice;
    if (from.replicated()) kind = to.split() ? MoveKind::kSlice : MoveKind::kMask;
    if (from.split()) kind = to.split() ? MoveKind::kAllToAll : MoveKind::kAllGather;
    if (from.partial()) kind = to.split() ? MoveKind::kReduceScatter : MoveKind::kAllReduce;
    if (from.at()) kind = to.at() ? MoveKind::kTransfer : MoveKind::kBroadcast;
    if (from.replicated() && to.at()) kind = MoveKind::kKeep;
    program_.steps.push_back(MoveStep{kind, static_cast<uint32_t>(axis), at, made, reader_});
    // A partial value that was resolved does not come back: a second reader would pay again.
    if (from.partial()) {
      std::erase_if(available_[v],
                    [&](RegisterId r) { return program_.registers[r].placement[axis].partial(); });
    }
    return made;
  }

  // ---- weights that are gathered again

  void find_weights() {
    if (plan_.regather == kNone) return;
    weight_only_.assign(graph_.values.size(), false);
    for (const ValueId v : graph_.inputs) weight_only_[v] = true;
    for (NodeId id = 0; id < plan_.regather && id < graph_.nodes.size(); ++id) {
      const ValueNode& n = graph_.nodes[id];
      const bool all = std::ranges::all_of(
          n.operands, [&](const Use& u) { return u.value == kNone || weight_only_[u.value]; });
      for (const Use* u : made_uses(n)) {
        if (u->made != kNone) weight_only_[u->made] = all && !n.operands.empty();
      }
    }
  }

  void forget_gathered() {
    for (ValueId v = 0; v < graph_.values.size(); ++v) {
      if (weight_only_[v] && available_[v].size() > 1) available_[v].resize(1);
    }
  }

  const ValueGraph& graph_;
  const Factors& factors_;
  const LayoutPlan& plan_;
  const DrawnShares& drawn_;
  const MoveCost cost_;
  SpmdProgram program_;
  std::vector<std::vector<RegisterId>> available_;  // by value; the first is how it was made
  std::vector<size_t> order_;                       // of the axes
  Placement scratch_;
  std::vector<bool> input_;                 // by segment
  std::map<SegmentId, Placement> made_as_;  // what does not go on from an older version
  std::vector<bool> weight_only_;           // by value: computed from inputs alone
  NodeId reader_ = kNone;
  const std::vector<SkippedRegion> regions_;
  std::vector<SkippedRegion>::const_iterator region_;  // that comes next, or is open
  size_t region_registers_ = 0;                        // that were there when it began
};

}  // namespace

SpmdProgram partition(const ValueGraph& g, const Factors& factors, const LayoutPlan& plan) {
  const DrawnShares none;
  Partition without(g, factors, plan, none);
  SpmdProgram first = without.run();
  const DrawnShares drawn = drawn_shares(g, factors, first, without.pinned());
  if (!drawn.empty()) first = Partition(g, factors, plan, drawn).run();
  first.overlaps = plan.overlaps;
  bundle_moves(g, plan.bundles, &first);
  return first;
}

}  // namespace moai::compiler
