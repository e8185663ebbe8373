#include "moai/compiler/analysis/batch_factors.h"

#include <algorithm>
#include <set>

#include "moai/compiler/analysis/factor_touch.h"
#include "moai/ops/sharding/expansion.h"

namespace moai::compiler {
namespace {

constexpr double kMostWork = 0.5;     // of the FLOPs of products
constexpr double kLittleWork = 0.01;  // of them: no reason to have one more batch factor
constexpr double kLittleBytes = 0.1;  // of what has the factor: may be gathered

struct Candidate {
  FactorId factor = kNone;
  size_t place = 0;             // the outermost in what is given
  bool summed = false;          // by a forward product
  bool moves = false;           // activations would travel
  bool given = true;            // else of what is made of what is given
  std::vector<NodeId> nodes{};  // products that it splits
};

class Search {
 public:
  explicit Search(const BatchSearch& in)
      : in_(in),
        flow_(*in.flow),
        factors_(*in.factors),
        nodes_(nodes_by_factor(flow_.graph, factors_)) {
    for (NodeId n = 0; n < flow_.flops.size(); ++n) {
      work_ += flow_.flops[n];
      if (in.forward->nodes[n]) forward_work_ += flow_.flops[n];
    }
  }

  BatchFactors run() {
    collect();
    BatchFactors found;
    std::set<NodeId> covered;
    double done = 0;
    while (const Candidate* best = largest(covered)) {
      for (const NodeId n : best->nodes) {
        if (covered.insert(n).second) done += flow_.flops[n];
      }
      found.batch.push_back(best->factor);
    }
    if (done < kMostWork * work_) found.batch.clear();
    for (const Candidate& c : candidates_) {
      if (!c.summed && forward_work(c) >= kMostWork * forward_work_ &&
          std::ranges::find(found.batch, c.factor) == found.batch.end()) {
        found.sequence.push_back(c.factor);
      }
    }
    return found;
  }

 private:
  void collect() {
    std::set<FactorId> excluded;
    for (const SegmentId s : in_.excluded) {
      excluded.insert(factors_.of(s).begin(), factors_.of(s).end());
    }
    for (const SegmentId s : in_.given) collect(s, true, excluded);
    for (const SegmentId s : looked_up()) collect(s, false, excluded);
  }
  void collect(SegmentId s, bool given, const std::set<FactorId>& excluded) {
    const std::vector<FactorId>& list = factors_.of(s);
    for (size_t place = 0; place < list.size(); ++place) {
      if (excluded.contains(list[place])) continue;
      const auto known = std::ranges::find(candidates_, list[place], &Candidate::factor);
      if (known == candidates_.end()) {
        candidates_.push_back(candidate(list[place], place));
        candidates_.back().given = given;
      } else {
        known->place = std::min(known->place, place);
      }
    }
  }

  // What calls in front of all products make of what is given: of a piece of a sequence
  // (`ids[:, :-1]`) the sequence is a factor there first.
  std::vector<SegmentId> looked_up() const {
    const ValueGraph& g = flow_.graph;
    std::vector<bool> is_given(g.segments.size()), is_weight(g.segments.size());
    for (const SegmentId s : in_.given) is_given[s] = true;
    for (const SegmentId s : in_.excluded) is_weight[s] = true;
    const auto of_given = [&](ValueId v) { return is_given[g.values[v].segment]; };
    const auto of_calls = [&](ValueId v) {
      return !of_given(v) && !is_weight[g.values[v].segment] && g.values[v].producer != kNone;
    };
    std::vector<SegmentId> found;
    for (NodeId n = 0; n < g.nodes.size(); ++n) {
      const std::vector<ValueId>& read = flow_.read[n];
      if (flow_.flops[n] > 0 || !std::ranges::any_of(read, of_given)) continue;
      if (std::ranges::any_of(read, of_calls)) continue;
      for (const ValueId v : flow_.made[n]) {
        is_given[g.values[v].segment] = true;
        found.push_back(g.values[v].segment);
      }
    }
    return found;
  }

  Candidate candidate(FactorId f, size_t place) const {
    Candidate c{.factor = f, .place = place};
    double bytes = 0, moved = 0, stuck = 0;
    if (f >= nodes_.size()) return c;
    for (const NodeId n : nodes_[f]) {
      const FactorTouch touch = factor_touch(flow_.graph, factors_, n, f);
      const bool forward = in_.forward->nodes[n];
      if (touch.splits()) {
        c.summed |= forward && touch.kind != FactorTouch::Kind::kParallel;
        if (flow_.flops[n] > 0) c.nodes.push_back(n);
      } else {
        stuck += flow_.flops[n];
      }
      const double b = bytes_with(n, f);
      bytes += b;
      if (!touch.splits() && !is_expanded(n, touch)) moved += b;
    }
    c.moves = stuck > kLittleWork * work_ || moved > kLittleBytes * bytes;
    return c;
  }

  bool is_expanded(NodeId n, const FactorTouch& touch) const {
    return touch.kind == FactorTouch::Kind::kFrozen &&
           ops::expand(flow_.graph.nodes[n].signature).has_value();
  }
  double bytes_with(NodeId n, FactorId f) const {
    double bytes = 0;
    for (const std::vector<ValueId>* values : {&flow_.read[n], &flow_.made[n]}) {
      for (const ValueId v : *values) {
        const SegmentId s = flow_.graph.values[v].segment;
        if (has_factor(factors_, s, f)) bytes += segment_bytes(flow_.graph, s);
      }
    }
    return bytes;
  }

  double forward_work(const Candidate& c) const {
    double work = 0;
    for (const NodeId n : c.nodes) work += in_.forward->nodes[n] ? flow_.flops[n] : 0;
    return work;
  }

  // With the most work that is not covered; nullptr where little is left.
  const Candidate* largest(const std::set<NodeId>& covered) const {
    const Candidate* best = nullptr;
    double most = kLittleWork * work_;
    for (const Candidate& c : candidates_) {
      if (c.summed || c.moves || !c.given) continue;
      double work = 0;
      for (const NodeId n : c.nodes) work += covered.contains(n) ? 0 : flow_.flops[n];
      const bool outer = best && work == most && c.place < best->place;
      if (work > most || outer) {
        most = work;
        best = &c;
      }
    }
    return best;
  }

  const BatchSearch& in_;
  const Dataflow& flow_;
  const Factors& factors_;
  const std::vector<std::vector<NodeId>> nodes_;  // by factor
  double work_ = 0, forward_work_ = 0;
  std::vector<Candidate> candidates_;
};

}  // namespace

BatchFactors batch_factors(const BatchSearch& in) { return Search(in).run(); }

}  // namespace moai::compiler
