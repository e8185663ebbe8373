#include "moai/compiler/search/work_bound.h"

#include <algorithm>
#include <unordered_map>

#include "moai/compiler/analysis/factor_touch.h"
#include "moai/compiler/cost/call_work.h"

namespace moai::compiler {
namespace {

// Of the work along a factor what the fullest rank has.
double largest_share(int64_t size, int ranks) {
  if (size < ranks) return 1;
  return static_cast<double>(share_size(size, ranks, 0)) / static_cast<double>(size);
}

}  // namespace

WorkBound::WorkBound(WindowPlanner* planner, const CallSeconds& seconds) : planner_(*planner) {
  const Analysed& w = planner_.recorded();
  std::unordered_map<uint32_t, std::pair<double, bool>> known;  // by class
  for (const ValueNode& n : w.graph.nodes) {
    const auto [at, is_new] = known.try_emplace(n.alike);
    if (is_new) at->second = {seconds(n.signature), cost::call_work(n.signature).flops > 0};
    seconds_.push_back(at->second.first);
    product_.push_back(at->second.second);
  }
  batch_.resize(seconds_.size());
  const auto nodes = nodes_by_factor(w.graph, w.factors);
  for (const FactorId f : planner_.roles().batch) {
    for (const NodeId n : nodes[f]) {
      if (product_[n] && factor_touch(w.graph, w.factors, n, f).splits()) batch_[n].push_back(f);
    }
  }
}

double WorkBound::step_s(const Degrees& d) {
  const Factors& factors = planner_.recorded().factors;
  const std::vector<double>& tensor = tensor_shares(d.tp);
  double sum = 0;
  for (NodeId n = 0; n < seconds_.size(); ++n) {
    if (!product_[n]) {
      sum += seconds_[n] / d.ranks();
      continue;
    }
    double share = 1;
    for (const FactorId f : batch_[n])
      share = std::min(share, largest_share(factors.size(f), d.dp));
    sum += seconds_[n] * share * tensor[n];
  }
  return sum;
}

const std::vector<double>& WorkBound::tensor_shares(int tp) {
  const auto [at, is_new] = tensor_shares_.try_emplace(tp);
  if (!is_new) return at->second;
  std::vector<double>& shares = at->second;
  shares.assign(seconds_.size(), 1);
  if (tp == 1) return shares;
  const Analysed& w = planner_.recorded();
  const auto nodes = nodes_by_factor(w.graph, w.factors);
  for (const FactorId f : planner_.tensor_factors().choose(tp)) {
    for (const NodeId n : nodes[f]) {
      if (product_[n]) shares[n] = std::min(shares[n], largest_share(w.factors.size(f), tp));
    }
  }
  return shares;
}

double WorkBound::home_bytes(const LayoutPlan& plan, SegmentId s) const {
  const Analysed& w = planner_.recorded();
  double bytes = segment_bytes(w.graph, s);
  const auto home = plan.home.find(s);
  if (home == plan.home.end() || w.graph.segments[s].shares_storage) return bytes;
  for (size_t a = 0; a < home->second.size(); ++a) {
    if (!home->second[a].split()) continue;
    const FactorId f = w.factors.of(s)[home->second[a].place];
    bytes *= largest_share(w.factors.size(f), plan.mesh.axes[a].size);
  }
  return bytes;
}

double WorkBound::resident_bytes(const Degrees& d) {
  const Analysed& w = planner_.recorded();
  const LayoutPlan plan =
      layout(w.graph, w.factors, planner_.roles(), planner_.tensor_factors(), d);
  double sum = 0;
  for (const ValueId v : w.graph.inputs) sum += home_bytes(plan, w.graph.values[v].segment);
  return sum;
}

double WorkBound::gradient_bytes(const Degrees& d) {
  const Analysed& w = planner_.recorded();
  const LayoutPlan plan = layout(w.graph, w.factors, planner_.roles(), planner_.tensor_factors(),
                                 {.dp = d.dp, .tp = d.tp});
  std::vector<bool> written(w.graph.segments.size());
  for (const ValueId v : w.graph.outputs) written[w.graph.values[v].segment] = true;
  double sum = 0;
  for (SegmentId s = 0; s < written.size(); ++s) {
    const bool trained = written[s] && planner_.roles().segments[s] == Role::kParameter;
    if (trained && !w.factors.of(s).empty()) sum += home_bytes(plan, s);
  }
  return sum;
}

bool WorkBound::shares_batch(int dp) {
  const Factors& factors = planner_.recorded().factors;
  return dp > 1 && std::ranges::any_of(planner_.roles().batch,
                                       [&](FactorId f) { return factors.size(f) >= dp; });
}

Degrees WorkBound::of_use(Degrees d) {
  if (!shares_batch(d.dp) && d.zero == 0) d.dp = 1;
  if (d.tp > 1 && planner_.tensor_factors().choose(d.tp).empty()) {
    d.tp = 1;
    d.sp = false;
  }
  return d;
}

}  // namespace moai::compiler
