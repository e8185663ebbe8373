#include "moai/compiler/sharding/bundled_moves.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <tuple>
#include <utility>

#include "moai/compiler/sharding/skipped_region.h"
#include "moai/compiler/sharding/strategies.h"
#include "moai/ops/list_call.h"

namespace moai::compiler {
namespace {

// In one bundle: a signature has at most 2^16 arguments, results and items of lists.
constexpr size_t kItemsMax = 1024;

// Moves that one call can make.
using Kind = std::tuple<MoveKind, uint32_t, std::vector<AxisPlacement>, tensor::DType>;

class Moves {
 public:
  Moves(const ValueGraph& g, const BundleLimits& limits, const SpmdProgram& program)
      : graph_(g), program_(program) {
    std::map<Kind, std::set<RegisterId>> moved;
    for (const Step& step : program.steps) {
      const auto* m = std::get_if<MoveStep>(&step);
      if (m && moved[kind(*m)].insert(m->from).second) limits_[kind(*m)] += bytes(*m);
    }
    const auto parts = static_cast<uint64_t>(std::max(limits.parts, 1));
    for (auto& [kind, all] : limits_) {
      all = std::min(std::max(all / parts, limits.bytes_min), limits.bytes_max);
    }
  }

  // What they do on their axis, from which stage to which, and what is reduced how.
  Kind kind(const MoveStep& m) const {
    std::vector<AxisPlacement> places;
    tensor::DType dtype{};
    if (m.kind == MoveKind::kReduceScatter || m.kind == MoveKind::kAllReduce) {
      dtype = segment(m.from).dtype;
      places.push_back({AxisPlacement::Kind::kPartial, 0, placement(m.from)[m.axis].reduction});
    }
    for (const RegisterId r : {m.from, m.to}) {
      if (program_.mesh.has_stages() && placement(r)[0].at()) places.push_back(placement(r)[0]);
    }
    return {m.kind, m.axis, std::move(places), dtype};
  }
  // Of the first rank, which has the most: the larger of what it has before and after.
  uint64_t bytes(const MoveStep& m) const { return std::max(bytes(m.from), bytes(m.to)); }
  uint64_t limit(const Kind& k) const { return limits_.at(k); }

 private:
  const Placement& placement(RegisterId r) const { return program_.registers[r].placement; }
  const Segment& segment(RegisterId r) const {
    return graph_.segments[graph_.values[program_.registers[r].value].segment];
  }
  uint64_t bytes(RegisterId r) const {
    uint64_t n = static_cast<uint64_t>(segment(r).count) * tensor::dtype_size(segment(r).dtype);
    for (size_t a = 0; a < placement(r).size(); ++a) {
      const auto ranks = static_cast<uint64_t>(program_.mesh.axes[a].size);
      if (placement(r)[a].split()) n = (n + ranks - 1) / ranks;
    }
    return n;
  }

  const ValueGraph& graph_;
  const SpmdProgram& program_;
  std::map<Kind, uint64_t> limits_;
};

// Each behind what makes its operand; sums, which are in place, behind what reads it too, and never
// across the border of a region.
void reduce_at_once(const ValueGraph& g, SpmdProgram* program) {
  std::vector<Step>& steps = program->steps;
  std::vector<uint32_t> made_at(program->registers.size(), kNone);
  std::vector<uint32_t> read_at(program->registers.size(), 0);
  uint32_t border_at = 0;
  std::vector<std::vector<MoveStep>> after(steps.size());
  std::vector<bool> leaves(steps.size());
  for (uint32_t i = 0; i < steps.size(); ++i) {
    if (const auto* c = std::get_if<CallStep>(&steps[i])) {
      for (const RegisterId r : c->operands) {
        if (r != kNone) read_at[r] = i;
      }
      for (const RegisterId r : c->made) {
        if (r != kNone) made_at[r] = i;
      }
      if (borders_region(g, c->node)) border_at = i;
      continue;
    }
    const MoveStep& m = std::get<MoveStep>(steps[i]);
    const bool sums = m.kind == MoveKind::kAllReduce && program->overlaps;
    uint32_t maker = made_at[m.from];
    if (sums && maker != kNone) maker = std::max({maker, read_at[m.from], border_at});
    if ((sums || m.kind == MoveKind::kReduceScatter) && maker != kNone) {
      after[maker].push_back(m);
      leaves[i] = true;
    }
    read_at[m.from] = leaves[i] ? maker : i;
    made_at[m.to] = leaves[i] ? maker : i;
  }
  std::vector<Step> ordered;
  ordered.reserve(steps.size());
  for (uint32_t i = 0; i < steps.size(); ++i) {
    if (!leaves[i]) ordered.push_back(std::move(steps[i]));
    for (MoveStep& m : after[i]) ordered.emplace_back(m);
  }
  steps = std::move(ordered);
}

// Among moves that follow each other, sums of what calls made come first: they are one call then,
// and what goes on from them is ready together.
void sum_first(SpmdProgram* program) {
  std::vector<Step> ordered, others;
  std::set<ValueId> used;  // by others
  const auto append = [&] {
    std::ranges::move(others, std::back_inserter(ordered));
    others.clear();
    used.clear();
  };
  for (Step& step : program->steps) {
    const auto* m = std::get_if<MoveStep>(&step);
    const ValueId moved = m ? program->registers[m->from].value : kNone;
    if (!m) append();
    if (!m || (m->kind == MoveKind::kAllReduce && !used.contains(moved))) {
      ordered.push_back(std::move(step));
    } else {
      used.insert(moved);
      others.push_back(std::move(step));
    }
  }
  append();
  program->steps = std::move(ordered);
}

// Among parts of one call over lists and the moves between them, gradients that are sums on several
// axes are summed on one after the other, all together.
class SumsByAxis {
 public:
  SumsByAxis(const ValueGraph& g, SpmdProgram* program) : graph_(g), program_(*program) {}

  void run() {
    for (Step& step : program_.steps) {
      const auto* c = std::get_if<CallStep>(&step);
      const uint32_t list = c ? list_call(*c) : kNone;
      if (c && (list == kNone || (list_ != kNone && list != list_))) append();
      if (c && list == kNone) {
        ordered_.push_back(std::move(step));
        continue;
      }
      if (c) list_ = list;
      steps_.push_back(std::move(step));
    }
    append();
    program_.steps = std::move(ordered_);
  }

 private:
  // The recorded call that it is a part of.
  uint32_t list_call(const CallStep& c) const {
    const ValueNode& n = graph_.nodes[c.node];
    return ops::is_list_call(n.signature) ? n.source : kNone;
  }
  ValueId value(RegisterId r) const { return r == kNone ? kNone : program_.registers[r].value; }

  void append() {
    // How many sums of a value come before, and which steps these are.
    std::map<ValueId, uint32_t> before;
    std::vector<std::tuple<uint32_t, uint32_t, size_t>> sums;
    std::set<ValueId> used;
    std::set<uint32_t> axes;
    for (size_t i = 0; i < steps_.size(); ++i) {
      if (const auto* c = std::get_if<CallStep>(&steps_[i])) {
        for (const RegisterId r : c->operands) used.insert(value(r));
        for (const RegisterId r : c->made) used.insert(value(r));
        continue;
      }
      const auto& m = std::get<MoveStep>(steps_[i]);
      const ValueId v = value(m.from);
      if (m.kind != MoveKind::kAllReduce || used.contains(v)) {
        used.insert(v);
        continue;
      }
      sums.emplace_back(before[v]++, m.axis, i);
      axes.insert(m.axis);
    }
    std::vector<bool> first(steps_.size());
    if (axes.size() > 1) {
      std::ranges::sort(sums);
      for (const auto& [level, axis, i] : sums) {
        first[i] = true;
        ordered_.push_back(steps_[i]);
      }
    }
    for (size_t i = 0; i < steps_.size(); ++i) {
      if (!first[i]) ordered_.push_back(std::move(steps_[i]));
    }
    steps_.clear();
    list_ = kNone;
  }

  const ValueGraph& graph_;
  SpmdProgram& program_;
  std::vector<Step> steps_, ordered_;
  uint32_t list_ = kNone;
};

// The steps in their order as they are made, with numbers for what goes together.
class Ordered {
 public:
  // `bundles`: numbers up to this are taken.
  explicit Ordered(uint32_t bundles) : bundles_(bundles) {}

  void add(Step step) { steps_.push_back(std::move(step)); }
  void add(std::vector<MoveStep> together) {
    const uint32_t bundle = together.size() > 1 ? ++bundles_ : 0;
    for (MoveStep& m : together) {
      m.bundle = bundle;
      steps_.emplace_back(m);
    }
  }
  std::vector<Step> take() { return std::move(steps_); }
  uint32_t bundles() const { return bundles_; }

 private:
  std::vector<Step> steps_;
  uint32_t bundles_;
};

// Reduce-scatters wait for others that come later, and sums where they are made early.
class LateSums {
 public:
  LateSums(const ValueGraph& g, const Moves& moves, SpmdProgram* program)
      : graph_(g), moves_(moves), program_(*program), makes_(program->registers.size(), kNone) {}

  uint32_t run() {
    for (Step& step : program_.steps) {
      const auto* m = std::get_if<MoveStep>(&step);
      m ? before(*m) : before(std::get<CallStep>(step));
      const bool sums = m && m->kind == MoveKind::kAllReduce && program_.overlaps;
      if (sums || (m && m->kind == MoveKind::kReduceScatter)) {
        wait(*m);
      } else {
        out_.add(std::move(step));
      }
    }
    for (uint32_t w = 0; w < waiting_.size(); ++w) leave(w);
    program_.steps = out_.take();
    return out_.bundles();
  }

 private:
  struct Waiting {
    std::vector<MoveStep> moves{};
    uint64_t bytes = 0;
  };

  void wait(const MoveStep& m) {
    const Kind kind = moves_.kind(m);
    const auto [found, is_new] = by_kind_.try_emplace(kind, static_cast<uint32_t>(waiting_.size()));
    if (is_new) waiting_.emplace_back();
    const uint64_t bytes = moves_.bytes(m);
    if (waiting_[found->second].bytes + bytes > moves_.limit(kind)) leave(found->second);
    Waiting& w = waiting_[found->second];
    w.moves.push_back(m);
    w.bytes += bytes;
    makes_[m.to] = found->second;
    if (w.bytes >= moves_.limit(kind) || w.moves.size() == kItemsMax) leave(found->second);
  }
  void leave(uint32_t w) {
    Waiting gone = std::exchange(waiting_[w], {});
    for (const MoveStep& m : gone.moves) makes_[m.to] = kNone;
    if (!gone.moves.empty()) out_.add(std::move(gone.moves));
  }

  // What the step reads is there. What it overwrites was read: values are used before they are.
  void read(RegisterId r) {
    if (r != kNone && makes_[r] != kNone) leave(makes_[r]);
  }
  void before(const MoveStep& m) { read(m.from); }
  void before(const CallStep& c) {
    for (const RegisterId r : c.operands) read(r);
    if (!borders_region(graph_, c.node)) return;
    for (uint32_t w = 0; w < waiting_.size(); ++w) leave(w);
  }

  const ValueGraph& graph_;
  const Moves& moves_;
  SpmdProgram& program_;
  Ordered out_{0};
  std::map<Kind, uint32_t> by_kind_;
  std::vector<Waiting> waiting_;  // by kind
  std::vector<uint32_t> makes_;   // by register: of waiting_
};

// Gathers and messages come together with the first that is needed.
class EarlyGathers {
 public:
  EarlyGathers(const ValueGraph& g, const Moves& moves, uint32_t bundles, SpmdProgram* program)
      : graph_(g), moves_(moves), program_(*program), out_(bundles) {}

  void run() {
    read_steps();
    for (uint32_t i = 0; i < program_.steps.size(); ++i) {
      if (ahead_.contains(i)) look_ahead(i);
      if (gone_[i]) continue;
      const auto* m = std::get_if<MoveStep>(&program_.steps[i]);
      if (m && comes_early(*m)) {
        out_.add(together(i, i));
        look_ahead(i);
      } else {
        out_.add(std::move(program_.steps[i]));
      }
    }
    program_.steps = out_.take();
  }

 private:
  // How many later moves that are not ready are passed over for one.
  static constexpr int kPassedMax = 64;

  static bool comes_early(const MoveStep& m) {
    return m.kind == MoveKind::kAllGather || crosses_stages(m);
  }
  static bool crosses_stages(const MoveStep& m) {
    return m.kind == MoveKind::kTransfer || m.kind == MoveKind::kBroadcast;
  }

  void read_steps() {
    made_at_.assign(program_.registers.size(), 0);
    gone_.resize(program_.steps.size());
    uint32_t region = 0, run = 0;
    for (uint32_t i = 0; i < program_.steps.size(); ++i) {
      const bool goes_on = i > 0 && program_.steps[i].index() == program_.steps[i - 1].index();
      if (!goes_on) ++run;
      if (const auto* c = std::get_if<CallStep>(&program_.steps[i])) {
        for (const RegisterId r : c->made) {
          if (r != kNone) made_at_[r] = i + 1;
        }
        makers_.push_back({true, graph_.nodes[c->node].source});
        if (borders_region(graph_, c->node)) ++region;
      } else {
        makers_.push_back({false, run});
        const MoveStep& m = std::get<MoveStep>(program_.steps[i]);
        made_at_[m.to] = i + 1;
        if (comes_early(m)) later_[moves_.kind(m)].push_back(i);
      }
      region_.push_back(region);
    }
  }

  const MoveStep& move(uint32_t i) const { return std::get<MoveStep>(program_.steps[i]); }

  // Where a bundle is needed, the next one of its kind, as far as it is ready.
  void look_ahead(uint32_t at) {
    if (!program_.overlaps || move(at).kind != MoveKind::kAllGather) return;
    const std::vector<uint32_t>& later = later_.at(moves_.kind(move(at)));
    auto next = std::ranges::upper_bound(later, at);
    while (next != later.end() && gone_[*next]) ++next;
    if (next == later.end() || region_[*next] != region_[at] || !is_ready(move(*next), at)) return;
    ahead_.insert(*next);
    gone_[*next] = true;
    out_.add(together(*next, at));
  }

  // What goes with `first`, as far as it is ready at step `at`.
  std::vector<MoveStep> together(uint32_t first, uint32_t at_step) {
    const Kind kind = moves_.kind(move(first));
    const std::vector<uint32_t>& later = later_.at(kind);
    std::vector<MoveStep> all{move(first)};
    std::set<RegisterId> moved{move(first).from};
    uint64_t bytes = moves_.bytes(move(first));
    int passed = 0;
    for (auto at = std::ranges::upper_bound(later, first); at != later.end(); ++at) {
      if (gone_[*at]) continue;
      const MoveStep& m = move(*at);
      const bool fits =
          region_[*at] == region_[at_step] && bytes + moves_.bytes(m) <= moves_.limit(kind);
      if (!fits || moved.contains(m.from) || passed == kPassedMax || all.size() == kItemsMax) break;
      if (!is_ready(m, at_step)) {
        ++passed;
        continue;
      }
      all.push_back(m);
      bytes += moves_.bytes(m);
      moved.insert(m.from);
      gone_[*at] = true;
    }
    return all;
  }

  // Whether what the move reads is there where the first is made; at another stage, as early as
  // what that one reads: who waits for it shall not wait for more.
  bool is_ready(const MoveStep& m, uint32_t first) const {
    const auto& with = std::get<MoveStep>(program_.steps[first]);
    const uint32_t made = made_at_[m.from];
    if (made > first) return false;
    if (!crosses_stages(m) || made <= made_at_[with.from]) return true;
    return made_at_[with.from] != 0 && makers_[made - 1] == makers_[made_at_[with.from] - 1];
  }

  const ValueGraph& graph_;
  const Moves& moves_;
  SpmdProgram& program_;
  Ordered out_;
  std::vector<uint32_t> made_at_;  // by register: behind how many steps
  // By step what it belongs to, of which all is ready together: the recorded call of a part, the
  // moves that follow each other.
  std::vector<std::pair<bool, uint32_t>> makers_;
  std::vector<uint32_t> region_;  // by step: how many borders are before it
  std::vector<bool> gone_;        // by step
  std::set<uint32_t> ahead_;      // steps that a bundle begins with which came ahead
  std::map<Kind, std::vector<uint32_t>> later_;
};

}  // namespace

void bundle_moves(const ValueGraph& g, const BundleLimits& limits, SpmdProgram* program) {
  reduce_at_once(g, program);
  if (limits.bytes_max == 0) return;
  sum_first(program);
  SumsByAxis(g, program).run();
  const Moves moves(g, limits, *program);
  const uint32_t bundles = LateSums(g, moves, program).run();
  EarlyGathers(g, moves, bundles, program).run();
}

}  // namespace moai::compiler
