#include "moai/compiler/search/plan_prices.h"

#include <algorithm>
#include <limits>

#include "moai/compiler/cost/collective_cost.h"

namespace moai::compiler {

PlanPrices::PlanPrices(const RecordedStep& step, const cluster::Cluster& cluster, const Pins& pins,
                       const PriceOptions& options, double limit,
                       graph::SignatureTable* signatures)
    : step_(step),
      cluster_(cluster),
      pins_(pins),
      options_(options),
      limit_(limit),
      signatures_(*signatures),
      line_(step, signatures),
      bound_(&line_, &cluster, options),
      windows_(&line_) {}

std::vector<Candidate> PlanPrices::candidates() {
  return every_candidate(line_, &bound_, cluster_.devices(), pins_);
}

// ---- bounds

void PlanPrices::set_bound(Candidate* c) {
  const Degrees& d = c->of_use;
  const WorkBound::Work& w = bound_.work(d.dp, d.tp);
  const double calls = w.forward_s + w.backward_s + again_s(d);
  double each = calls;
  const auto exchange = tensor_exchange_.find({d.tp, d.sp});
  if (exchange != tensor_exchange_.end()) each += exchange->second / d.dp;
  const double forward = calls > 0 ? w.forward_s / calls : 0;
  c->bound_s = pipelined(*c, each, forward) + once_s(*c);
  c->memory_bytes = least_bytes(*c);
}

bool PlanPrices::set_bound_by_calls(Candidate* c) {
  const auto found = calls_.find(key(*c));
  if (found == calls_.end()) return false;
  const Calls& calls = found->second;
  const double all = pipelined(*c, calls.each_s * c->microbatches, calls.forward) + once_s(*c);
  c->bound_s = std::max(c->bound_s, all);
  const double in_flight = std::min<double>(c->microbatches, c->degrees.pp);
  c->memory_bytes = least_bytes(*c) + calls.kept * in_flight / c->degrees.pp;
  return true;
}

double PlanPrices::again_s(const Degrees& d) {
  if (d.recompute == Recompute::kNone) return 0;
  const auto [at, is_new] = again_.try_emplace({d.dp, d.tp, d.recompute});
  if (is_new) at->second = bound_.again_s(windows_.again(d.recompute), d.dp, d.tp);
  return at->second;
}

// `each`: seconds of one device for all of the model and its part of the batch.
double PlanPrices::pipelined(const Candidate& c, double each, double forward) const {
  const Degrees& d = c.degrees;
  if (d.pp == 1) return each;
  Degrees of_batch = d;
  of_batch.microbatches = c.microbatches;
  double idle = std::numeric_limits<double>::infinity();
  for (const auto& s : schedules(of_batch, pins_, line_.order().size())) {
    idle = std::min(idle, least_idle(d, c.microbatches, s, forward));
  }
  return each * (1 + idle) / d.pp;
}

// The optimizer, and what dp exchanges at least: sums of gradients, weights that are shared.
double PlanPrices::once_s(const Candidate& c) {
  const Degrees& d = c.degrees;
  const double optimizer = bound_.work(c.of_use.dp, c.of_use.tp).optimizer_s;
  const double sum = optimizer * (d.zero == 0 ? c.of_use.dp : 1) / d.pp;
  if (d.dp == 1 || !bound_.shares_batch(d.dp) || options_.collectives_overlap) return sum;
  return sum + data_exchange_s(d, c.microbatches);
}

double PlanPrices::data_exchange_s(const Degrees& d, int microbatches) {
  const int m = d.zero == 3 ? microbatches : 1;
  const auto [at, is_new] = data_exchange_.try_emplace({d.pp, d.dp, d.tp, d.zero, m});
  if (!is_new) return at->second;
  using cluster::Collective;
  const cluster::GroupShape shape =
      cost::axis_shapes(cluster_, Mesh{{{"dp", d.dp}, {"tp", d.tp}}})[0];
  const double bytes = bound_.bytes(d.tp).gradients / d.pp;
  const auto seconds = [&](Collective kind) {
    return cost::collective_seconds(cluster_, kind, bytes, shape);
  };
  // Whole weights come back after the step; shares in both passes of each micro-batch.
  double& sum = at->second;
  sum = seconds(d.zero == 0 ? Collective::kAllReduce : Collective::kReduceScatter);
  if (d.zero > 0) sum += seconds(Collective::kAllGather) * (d.zero == 3 ? 2 * m : 1);
  return sum;
}

double PlanPrices::least_bytes(const Candidate& c) {
  const Degrees& d = c.degrees;
  const WorkBound::Bytes& b = bound_.bytes(d.tp);
  double sum = b.parameters / (d.zero >= 3 ? d.dp : 1) + b.state / (d.zero >= 1 ? d.dp : 1);
  if (c.microbatches > 1) sum += b.gradients / (d.zero >= 2 ? d.dp : 1);
  return sum / d.pp;
}

// ---- prices

PlanPrices::Key PlanPrices::key(const Candidate& c) const {
  const int64_t parts = static_cast<int64_t>(c.microbatches) * c.of_use.dp;
  const bool even = line_.batch() > 0 && line_.batch() % parts == 0;
  return {even ? line_.batch() / parts : -parts, even ? 0 : c.microbatches, c.degrees.tp,
          c.degrees.sp, c.degrees.recompute};
}

void PlanPrices::note(const Candidate& c, const PlaceCosts& costs) {
  Calls calls;
  for (uint32_t place = 0; place < line_.places(); ++place) {
    const PlaceCost& p = costs.places[place];
    const double times = line_.times(place);
    calls.each_s += times * (p.forward_s + p.backward_s());
    calls.forward += times * p.forward_s;
    calls.kept += times * p.kept;
  }
  const Mesh mesh = mesh_of({.dp = c.degrees.dp, .tp = c.degrees.tp});
  for (size_t a = 0; a < mesh.axes.size(); ++a) {
    if (mesh.axes[a].name == "tp") calls.each_s += costs.each[a].seconds;
  }
  if (calls.each_s > 0) calls.forward /= calls.each_s;
  calls_.try_emplace(key(c), calls);
  const double parts = static_cast<double>(c.microbatches) * c.of_use.dp;
  tensor_exchange_.try_emplace({c.of_use.tp, c.of_use.sp}, costs.tensor_bandwidth_s * parts);
}

std::vector<PipelineSchedule> PlanPrices::by_idle(const Candidate& c, const Calls& calls) const {
  Degrees d = c.degrees;
  d.microbatches = c.microbatches;
  std::vector<PipelineSchedule> all = schedules(d, pins_, line_.order().size());
  std::ranges::stable_sort(all, {}, [&](const PipelineSchedule& s) {
    return least_idle(d, c.microbatches, s, calls.forward);
  });
  return all;
}

std::optional<PricedPlan> PlanPrices::price(const Candidate& c) {
  WindowPlanner* planner = windows_.of(c.microbatches, c.degrees.recompute);
  if (!planner) return std::nullopt;
  Degrees d = c.degrees;
  PricedPlan out{.planned = planner->plan({.dp = d.dp, .tp = d.tp, .zero = d.zero, .sp = d.sp})};
  out.planned.microbatches = d.microbatches = c.microbatches;
  const PlaceCosts costs = place_costs(line_, out.planned, cluster_, options_);
  note(c, costs);
  const Calls& calls = calls_.at(key(c));
  std::optional<PipelinePrice> best;
  for (const PipelineSchedule& s : by_idle(c, calls)) {
    const double least = (1 + least_idle(d, c.microbatches, s, calls.forward)) * calls.each_s *
                         c.microbatches / d.pp;
    if (best && fits(*best) && least >= best->step.program.step_s) break;
    d.schedule = s;
    auto price = pipeline_price(&line_, costs, d, cluster_);
    if (price && (!best || before(*price, *best))) best = std::move(price);
  }
  if (!best) return std::nullopt;
  out.price = std::move(*best);
  out.price.step.degrees.microbatches = c.degrees.microbatches;
  return out;
}

bool PlanPrices::fits(const PipelinePrice& p) const {
  return static_cast<double>(p.step.program.memory_bytes_max) <= limit_;
}
bool PlanPrices::before(const PipelinePrice& a, const PipelinePrice& b) const {
  if (fits(a) != fits(b)) return fits(a);
  return fits(a) ? a.step.program.step_s < b.step.program.step_s
                 : a.step.program.memory_bytes_max < b.step.program.memory_bytes_max;
}

size_t PlanPrices::nodes(const Candidate& c) const {
  return step_.window.nodes.size() * static_cast<size_t>(c.microbatches);
}

PricedPlan PlanPrices::price_whole(const Degrees& degrees) {
  if (!whole_) {
    whole_ = std::make_unique<WindowPlanner>(step_.window, step_.uploaded, 1, &signatures_);
  }
  PricedPlan out{.planned = whole_->plan(degrees), .whole = true};
  out.price.step = price_step(step_, out.planned, degrees, cluster_, options_, &signatures_);
  return out;
}

}  // namespace moai::compiler
