#include "moai/compiler/search/work_bound.h"

#include <algorithm>
#include <unordered_map>

#include "moai/compiler/analysis/factor_touch.h"
#include "moai/compiler/cost/call_work.h"
#include "moai/compiler/cost/kernel_cost.h"

namespace moai::compiler {
namespace {

// Of the work along a factor what the fullest rank has.
double largest_share(int64_t size, int ranks) {
  if (size < ranks) return 1;
  return static_cast<double>(share_size(size, ranks, 0)) / static_cast<double>(size);
}

}  // namespace

WorkBound::WorkBound(const ModelLine* line, const cluster::Cluster* cluster,
                     const PriceOptions& options)
    : line_(*line), planner_(line->planner()) {
  cluster::DeviceKind device = cluster->device;
  device.fitted.launch_s = 0;
  device.fitted.gemm_ramp = 0;
  const Analysed& w = planner_.recorded();
  std::unordered_map<uint32_t, std::pair<double, bool>> known;  // by class
  for (NodeId id = 0; id < w.graph.nodes.size(); ++id) {
    const ValueNode& n = w.graph.nodes[id];
    const auto [at, is_new] = known.try_emplace(n.alike);
    if (is_new) {
      const cost::CallWork work = cost::call_work(n.signature);
      // What was measured may be quicker than the constants say, as it may be slower.
      const double least = std::min(cost::call_seconds(device, n.signature, work, options.kernels),
                                    cost::call_seconds(device, work, options.kernels));
      at->second = {least, work.flops > 0};
    }
    seconds_.push_back(at->second.first * line_.times(line_.place_of(id)));
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

double WorkBound::share(NodeId n, int dp, const std::vector<double>& tensor, int tp) const {
  if (!product_[n]) return 1.0 / dp / tp;
  const Factors& factors = planner_.recorded().factors;
  double share = 1;
  for (const FactorId f : batch_[n]) share = std::min(share, largest_share(factors.size(f), dp));
  return share * tensor[n];
}

const WorkBound::Work& WorkBound::work(int dp, int tp) {
  const auto [at, is_new] = works_.try_emplace({dp, tp});
  if (!is_new) return at->second;
  const std::vector<double>& tensor = tensor_shares(tp);
  const std::vector<Slice>& slices = planner_.roles().nodes;
  for (NodeId n = 0; n < seconds_.size(); ++n) {
    (slices[n] == Slice::kForward    ? at->second.forward_s
     : slices[n] == Slice::kBackward ? at->second.backward_s
                                     : at->second.optimizer_s) +=
        seconds_[n] * share(n, dp, tensor, tp);
  }
  return at->second;
}

double WorkBound::again_s(const std::vector<bool>& again, int dp, int tp) {
  const std::vector<double>& tensor = tensor_shares(tp);
  const ValueGraph& g = planner_.recorded().graph;
  double sum = 0;
  for (NodeId n = 0; n < seconds_.size(); ++n) {
    if (again[g.nodes[n].source]) sum += seconds_[n] * share(n, dp, tensor, tp);
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

const WorkBound::Bytes& WorkBound::bytes(int tp) {
  const auto [at, is_new] = bytes_.try_emplace(tp);
  if (!is_new) return at->second;
  const Analysed& w = planner_.recorded();
  const LayoutPlan plan =
      layout(w.graph, w.factors, planner_.roles(), planner_.tensor_factors(), {.dp = 1, .tp = tp});
  std::vector<bool> written(w.graph.segments.size());
  for (const ValueId v : w.graph.outputs) written[w.graph.values[v].segment] = true;
  std::vector<bool> seen(w.graph.segments.size());
  const auto add = [&](ValueId v) {
    const SegmentId s = w.graph.values[v].segment;
    const Role role = planner_.roles().segments[s];
    if (seen[s] || (role != Role::kParameter && role != Role::kState)) return;
    seen[s] = true;
    const double one = home_bytes(plan, s);
    const double times = line_.times(line_.place_of(w.graph.segments[s].storage));
    const double bytes = one * times;
    (role == Role::kState ? at->second.state : at->second.parameters) += bytes;
    const bool trained = role == Role::kParameter && written[s] && !w.factors.of(s).empty();
    if (!trained) return;
    at->second.gradients += bytes;
    if (one > static_cast<double>(plan.bundles.bytes_max)) at->second.alone.push_back({one, times});
  };
  std::ranges::for_each(w.graph.inputs, add);
  return at->second;
}

bool WorkBound::shares_batch(int dp) const {
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
