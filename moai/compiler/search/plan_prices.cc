#include "moai/compiler/search/plan_prices.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "moai/compiler/cost/collective_cost.h"

namespace moai::compiler {
namespace {

constexpr int64_t kMoreRows = 8;    // as many times those of a candidate bound it from below
constexpr double kSingleRow = 1.1;  // less may be exchanged of one: a few percent were seen
// Of plans whose weights lie whole this one has most beside what is kept: gradients that wait to
// be shared.
constexpr int kMostBeside = 2;

}  // namespace

PlanPrices::PlanPrices(const RecordedStep& step, const cluster::Cluster& cluster, const Pins& pins,
                       const PriceOptions& options, double limit, graph::SignatureTable* signatures)
    : step_(step),
      cluster_(cluster),
      pins_(pins),
      options_(options),
      limit_(limit),
      signatures_(*signatures),
      line_(step, signatures),
      bound_(&line_, &cluster, options),
      windows_(&line_) {
  if (!is_measured() || cluster.device.cache_bytes == 0) return;
  warm_ = cluster;
  warm_->device.cache_bytes = 0;
}

std::vector<Candidate> PlanPrices::candidates() {
  std::vector<Candidate> all = every_candidate(line_, &bound_, cluster_.devices(), pins_);
  for (const Candidate& c : all) {
    if (alike(c)) rows_[key(c).group].insert(key(c).rows);
  }
  return all;
}

// ---- bounds

void PlanPrices::set_bound(Candidate* c) {
  const Degrees& d = c->of_use;
  const WorkBound::Work& w = bound_.work(d.dp, d.tp);
  const double calls = (w.forward_s + w.backward_s + again_s(d)) / d.cp;
  double each = calls;
  const auto exchange = tensor_exchange_.find({d.tp, d.cp, d.sp});
  if (exchange != tensor_exchange_.end()) each += exchange->second / d.dp;
  const double forward = calls > 0 ? w.forward_s / d.cp / calls : 0;
  c->bound_s = pipelined(*c, each, forward) + once_s(*c);
  c->memory_bytes = least_bytes(*c);
}

bool PlanPrices::set_bound_by_calls(Candidate* c) {
  if (!calls_.contains(key(*c))) return false;
  set_bound_by(c, key(*c), 1);
  return true;
}

bool PlanPrices::set_bound_by_rows(Candidate* c) {
  const bool single = is_single_row(*c);
  if ((!alike(*c) && !single) || is_measured()) return false;
  Key own = key(*c);
  if (single) own = {{own.group.tp, own.group.cp, own.group.sp, own.group.recompute, 0}, 1};
  const auto more = [&]() -> const Key* {
    const auto at = calls_.upper_bound(own);
    return at != calls_.end() && at->first.group == own.group ? &at->first : nullptr;
  };
  if (!more()) {
    const std::set<int64_t>& all = rows_[own.group];
    const auto beyond = all.upper_bound(kMoreRows * own.rows);
    if (beyond == all.begin()) return false;
    const int64_t most = *std::prev(beyond);
    if (most == own.rows || !count_rows(*c, most)) return false;
  }
  const double times = static_cast<double>(more()->rows) / static_cast<double>(own.rows);
  set_bound_by(c, *more(), single ? times * kSingleRow : times);
  return true;
}

void PlanPrices::set_bound_by(Candidate* c, const Key& calls, double times) {
  double least = std::numeric_limits<double>::infinity();
  double kept = least, bytes = least_bytes(*c);
  const auto found = weights_.find(weights_key(*c));
  for (const PipelineSchedule& s : schedules_of(*c)) {
    StageBound b = stage_bound(calls, c->degrees.pp, s.chunks);
    b.slowest_s /= times;
    b.fastest_s /= times;
    double once = once_s(*c);
    if (found != weights_.end()) once = std::max(once, stage_once_s(*c, found->second, b, s));
    least = std::min(least, pipelined_by_calls(*c, b, s) + once);
    kept = std::min(kept, b.kept_first / times);
  }
  if (found != weights_.end()) {
    const Weights& w = found->second;
    bytes = std::max(bytes, w.bytes / c->degrees.pp);
    if (c->microbatches > 1) bytes = std::max(bytes, (w.bytes + w.gradients) / c->degrees.pp);
  }
  c->bound_s = std::max(c->bound_s, least);
  c->memory_bytes = bytes + kept * std::min(c->microbatches, c->degrees.pp);
}

// Of the first stage, which ends last, or of the slowest, which waits least.
double PlanPrices::stage_once_s(const Candidate& c, const Weights& w, const StageBound& b,
                                const PipelineSchedule& s) {
  const auto [at, is_new] =
      stage_once_.try_emplace({weights_key(c), c.degrees.pp, s.chunks, b.slowest});
  if (is_new) at->second = {once_of(*w.costs, c, s, 0), once_of(*w.costs, c, s, b.slowest)};
  const auto seconds = [&](const StageOnce& of) { return of.once_s + c.microbatches * of.each_s; };
  return std::min(seconds(at->second.first), seconds(at->second.second));
}

PlanPrices::StageOnce PlanPrices::once_of(const PlaceCosts& costs, const Candidate& c,
                                          const PipelineSchedule& s, uint32_t stage) {
  const auto stages = static_cast<uint32_t>(c.degrees.pp);
  const std::vector<uint32_t>& part_of = line_.cut(stages * static_cast<uint32_t>(s.chunks));
  StageOnce sum{costs.common.once_s + costs.common.once_exchange_s, 0};
  for (size_t i = 0; i < part_of.size(); ++i) {
    if (part_of[i] % stages != stage) continue;
    const PlaceCost& p = costs.places[line_.order()[i]];
    sum.once_s += p.once_s + p.once_exchange_s;
    sum.each_s += p.forward_data_s + p.backward_data_s;
  }
  return sum;
}

const PlanPrices::StageBound& PlanPrices::stage_bound(const Key& of, int pp, int chunks) {
  const auto [at, is_new] = stage_bounds_.try_emplace({of, pp, chunks});
  if (!is_new) return at->second;
  const std::vector<PlaceCost>& calls = calls_.at(of);
  const std::vector<uint32_t>& part_of = line_.cut(static_cast<uint32_t>(pp * chunks));
  struct Stage {
    double forward = 0, input = 0, weight = 0, kept = 0;
  };
  std::vector<Stage> stages(static_cast<size_t>(pp));
  for (size_t i = 0; i < part_of.size(); ++i) {
    Stage& stage = stages[part_of[i] % static_cast<uint32_t>(pp)];
    const PlaceCost& p = calls[line_.order()[i]];
    stage.forward += p.forward_of_batch();
    stage.input += p.input_of_batch();
    stage.weight += p.weight_s;
    stage.kept += p.kept;
  }
  StageBound& out = at->second;
  out.kept_first = stages[0].kept;
  out.fastest_s = std::numeric_limits<double>::infinity();
  for (const Stage& stage : stages) {
    const double all = stage.forward + stage.input + stage.weight;
    out.fastest_s = std::min(out.fastest_s, all);
    if (all <= out.slowest_s) continue;
    out.slowest = static_cast<uint32_t>(&stage - stages.data());
    out.slowest_s = all;
    out.forward = stage.forward / all;
    out.input = stage.input / all;
  }
  return out;
}

double PlanPrices::pipelined_by_calls(const Candidate& c, const StageBound& b,
                                      const PipelineSchedule& s) {
  const int pp = c.degrees.pp;
  if (pp == 1) return c.microbatches * b.slowest_s;
  const double idle = least_idle(c.degrees, c.microbatches, s, b.forward, b.input);
  // Of messages a stage sends all but what the ends have no need of.
  const double messages = pp == 2 ? 2 * s.chunks - 1 : 2 * s.chunks;
  return c.microbatches * (b.slowest_s + idle * b.fastest_s + messages * send_s(c));
}

// Where least crosses.
double PlanPrices::send_s(const Candidate& c) {
  if (!least_crossing_) {
    double& least = least_crossing_.emplace(std::numeric_limits<double>::infinity());
    const std::vector<double>& crossing = line_.crossing();
    for (size_t i = 1; i < crossing.size(); ++i) least = std::min(least, crossing[i]);
  }
  const Degrees& d = c.degrees;
  const cluster::GroupShape shape = cost::axis_shapes(cluster_, mesh_of(d))[0];
  const double bytes = *least_crossing_ / 2 / c.microbatches / d.replicas() / (d.sp ? d.tp : 1);
  return cost::collective_seconds(cluster_, cluster::Collective::kSend, bytes, shape);
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
  double idle = std::numeric_limits<double>::infinity();
  for (const auto& s : schedules_of(c)) {
    idle = std::min(idle, least_idle(d, c.microbatches, s, forward, 0));
  }
  return each * (1 + idle) / d.pp;
}

// The optimizer, and what dp exchanges at least: sums of gradients, weights that are shared.
double PlanPrices::once_s(const Candidate& c) {
  const Degrees& d = c.degrees;
  const double optimizer = bound_.work(c.of_use.dp, c.of_use.tp).optimizer_s;
  const double sum = optimizer * (d.zero == 0 ? c.of_use.dp : 1.0 / d.cp) / d.pp;
  if (d.dp == 1 || !bound_.shares_batch(d.dp) || options_.overlap.data) return sum;
  return sum + data_exchange_s(d, c.microbatches);
}

double PlanPrices::data_exchange_s(const Degrees& d, int microbatches) {
  const int m = d.zero == 3 ? microbatches : 1;
  const auto [at, is_new] = data_exchange_.try_emplace({d.pp, d.dp, d.tp, d.cp, d.zero, m});
  if (!is_new) return at->second;
  using cluster::Collective;
  const cluster::GroupShape shape =
      cost::axis_shapes(cluster_, Mesh{{{"dp", d.dp}, {"cp", d.cp}, {"tp", d.tp}}})[0];
  // What is shared along cp as well is less along dp.
  const double bytes = bound_.bytes(d.tp).gradients / d.pp / (d.zero > 0 ? d.cp : 1);
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
  const int shares = d.replicas();
  double sum = b.parameters / (d.zero >= 3 ? shares : 1) + b.state / (d.zero >= 1 ? shares : 1);
  if (c.microbatches > 1) sum += b.gradients / (d.zero >= 2 ? shares : 1);
  return sum / d.pp;
}

// ---- prices

bool PlanPrices::is_measured() const { return !cluster_.device.operators.empty(); }

// A batch that is not cut has no calls that take its parts, and one of a single row no axis.
bool PlanPrices::alike(const Candidate& c) const {
  const int64_t parts = static_cast<int64_t>(c.microbatches) * c.of_use.dp;
  if (line_.batch() == 0 || line_.batch() % parts != 0) return false;
  return c.microbatches > 1 && !is_single_row(c);
}

bool PlanPrices::is_single_row(const Candidate& c) const {
  return c.of_use.dp == 1 && c.microbatches > 1 && c.microbatches == line_.batch();
}

PlanPrices::Key PlanPrices::key(const Candidate& c) const {
  const int64_t parts = static_cast<int64_t>(c.microbatches) * c.of_use.dp;
  const bool same = alike(c);
  const Degrees& d = c.degrees;
  return {{d.tp, d.cp, d.sp, d.recompute, same ? 0 : c.microbatches},
          same ? line_.batch() / parts : parts};
}

PlanPrices::WeightsKey PlanPrices::weights_key(const Candidate& c) const {
  return {c.degrees.dp, c.degrees.cp, c.degrees.tp, c.degrees.zero, c.degrees.sp};
}

void PlanPrices::note(const Candidate& c, const PlaceCosts& costs) {
  calls_.try_emplace(key(c), costs.places);
  const auto shared = std::make_shared<const PlaceCosts>(costs);
  if (c.degrees.zero == kMostBeside) whole_weights_[key(c)] = shared;
  if (c.degrees.zero < 3) whole_weights_.try_emplace(key(c), shared);
  const auto [at, is_new] = weights_.try_emplace(weights_key(c));
  if (is_new) {
    Weights& w = at->second;
    w.costs = shared;
    for (uint32_t place = 0; place < line_.places(); ++place) {
      const PlaceCost& p = costs.places[place];
      const double times = line_.times(place);
      w.bytes += times * (p.parameters + p.state);
      w.gradients += times * (p.gradients - p.left);
    }
  }
  const double parts = static_cast<double>(c.microbatches) * c.of_use.dp;
  tensor_exchange_.try_emplace({c.of_use.tp, c.of_use.cp, c.of_use.sp},
                               costs.tensor_bandwidth_s * parts);
}

std::vector<PipelineSchedule> PlanPrices::schedules_of(const Candidate& c) const {
  Degrees d = c.degrees;
  d.microbatches = c.microbatches;
  return schedules(d, pins_, line_.order().size());
}

std::optional<PlanPrices::Counted> PlanPrices::count(const Candidate& c) {
  if (line_.order().empty()) return std::nullopt;
  const bool known = whole_weights_.contains(key(c)) && weights_.contains(weights_key(c));
  const bool made = windows_.has(c.microbatches, c.degrees.recompute);
  // Whether measured calls find their data in caches depends on all that a rank has.
  if (warm_) return count_emitted(c);
  if (c.degrees.zero == 3 || !alike(c) || (made && !known)) return count_emitted(c);
  if (!count_calls(c) || !count_weights(c)) return count_emitted(c);
  return Counted{.costs = combine(*whole_weights_.at(key(c)), *weights_.at(weights_key(c)).costs)};
}

std::optional<PlanPrices::Counted> PlanPrices::count_emitted(const Candidate& c) {
  if (line_.order().empty()) return std::nullopt;
  WindowPlanner* planner = windows_.of(c.microbatches, c.degrees.recompute);
  if (!planner) return std::nullopt;
  return emit(c, planner);
}

PlanPrices::Counted PlanPrices::emit(const Candidate& c, WindowPlanner* planner) {
  const Degrees& d = c.degrees;
  Counted out{.planned = planner->plan(
                  Degrees{.dp = d.dp, .tp = d.tp, .zero = d.zero, .sp = d.sp, .cp = d.cp})};
  out.planned->microbatches = c.microbatches;
  out.costs = place_costs(line_, *out.planned, cluster_, options_);
  if (!warm_) {
    note(c, out.costs);
  } else if (!calls_.contains(key(c)) || !weights_.contains(weights_key(c))) {
    note(c, place_costs(line_, *out.planned, *warm_, options_));
  }
  return out;
}

bool PlanPrices::count_calls(const Candidate& c) {
  if (!alike(c)) return false;
  return whole_weights_.contains(key(c)) || count_rows(c, key(c).rows);
}

// From a window that was made before, if there is one, among more or fewer ranks.
bool PlanPrices::count_rows(const Candidate& c, int64_t rows) {
  const int64_t parts = line_.batch() / rows;
  Candidate of = c;
  of.microbatches = 0;
  const auto far = [&](double m) {
    return std::abs(std::log2(static_cast<double>(parts) / (m * c.degrees.dp)));
  };
  const auto serves = [&](int m) { return parts % m == 0 && (rows > 1 || m < parts); };
  for (const int m : windows_.made(c.degrees.recompute)) {
    if (!serves(m)) continue;
    if (of.microbatches == 0 || far(m) < far(of.microbatches)) of.microbatches = m;
  }
  for (int m = 2; of.microbatches == 0; ++m) {
    if (m > parts) return false;
    if (serves(m)) of.microbatches = m;
  }
  WindowPlanner* planner = windows_.of(of.microbatches, c.degrees.recompute);
  if (!planner) return false;
  of.degrees.dp = static_cast<int>(parts / of.microbatches);
  of.degrees.zero = of.degrees.replicas() == 1 ? 0 : kMostBeside;
  of.of_use.dp = of.degrees.dp;
  of.of_use.zero = of.degrees.zero;
  emit(of, planner);
  return true;
}

// Whatever micro-batches there are, and whatever is made again.
bool PlanPrices::count_weights(const Candidate& c) {
  if (weights_.contains(weights_key(c))) return true;
  for (const Recompute how : {Recompute::kNone, c.degrees.recompute}) {
    for (const int m : windows_.made(how)) {
      if (line_.batch() % (static_cast<int64_t>(m) * c.degrees.dp) != 0) continue;
      Candidate of = c;
      of.microbatches = m;
      of.degrees.recompute = of.of_use.recompute = how;
      emit(of, windows_.of(m, how));
      return true;
    }
  }
  return false;
}

double PlanPrices::bound_s(const Candidate& c, const Counted& counted, const PipelineSchedule& s) {
  const StageBound& stage = stage_bound(key(c), c.degrees.pp, s.chunks);
  const auto seconds = [&](uint32_t of) {
    const StageOnce once = once_of(counted.costs, c, s, of);
    return once.once_s + c.microbatches * once.each_s;
  };
  return pipelined_by_calls(c, stage, s) + std::min(seconds(0), seconds(stage.slowest));
}

std::optional<PipelinePrice> PlanPrices::price(const Candidate& c, const Counted& counted,
                                               const PipelineSchedule& s) {
  Degrees d = c.degrees;
  d.microbatches = c.microbatches;
  d.schedule = s;
  auto price = pipeline_price(&line_, counted.costs, d, cluster_);
  if (price) price->step.degrees.microbatches = c.degrees.microbatches;
  return price;
}

size_t PlanPrices::nodes(const Candidate& c) const {
  return step_.window.nodes.size() * static_cast<size_t>(c.microbatches);
}

PricedPlan PlanPrices::price_whole(const Degrees& degrees) {
  if (!whole_) {
    whole_ = std::make_unique<WindowPlanner>(step_.window, step_.uploaded, 1, &signatures_);
  }
  auto planned = std::make_shared<PlannedWindow>(whole_->plan(degrees));
  PricedPlan out{.planned = planned, .whole = true};
  out.price.step = price_step(step_, *planned, degrees, cluster_, options_, &signatures_);
  return out;
}

}  // namespace moai::compiler
