#include "moai/compiler/search/plan_prices.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "moai/compiler/cost/collective_cost.h"

namespace moai::compiler {
namespace {

constexpr int64_t kMoreRows = 8;  // as many times those of a candidate bound it from below
// Where calls are not of the same making less may be exchanged: a few percent were seen.
constexpr double kOthers = 1.1;

}  // namespace

PlanPrices::PlanPrices(const RecordedStep& step, const cluster::Cluster& cluster, const Pins& pins,
                       const PriceOptions& options, double limit, graph::SignatureTable* signatures)
    : step_(step),
      cluster_(cluster),
      pins_(pins),
      options_(options),
      limit_(limit),
      signatures_(*signatures),
      line_(step, signatures,
            cluster.device.overlaps_exchanges && options.overlap == cost::Overlap{}),
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
  const Passes all = passes(*c, pipelined(*c, each, forward), each / c->degrees.pp, each);
  c->bound_s = with_least_once_s(*c, all);
  c->memory_bytes = least_bytes(*c);
}

bool PlanPrices::set_bound_by_calls(Candidate* c) {
  if (!calls_.contains(key(*c))) return false;
  set_bound_by(c, key(*c), 1);
  return true;
}

bool PlanPrices::set_bound_by_rows(Candidate* c) {
  const std::optional<Key> own = rows_key(*c);
  if (!own || is_measured()) return false;
  if (!more_rows(*c, *own)) {
    const auto most = of_most_rows(*c, *own);
    if (!most) return false;
    emit(*most);
  }
  const Key& more = *more_rows(*c, *own);
  const double times = static_cast<double>(more.rows) / static_cast<double>(own->rows);
  set_bound_by(c, more, alike(*c) ? times : times * kOthers);
  return true;
}

// Of calls that are counted; where calls of as many rows are its own, of more.
const PlanPrices::Key* PlanPrices::more_rows(const Candidate& c, const Key& own) const {
  const auto at = alike(c) ? calls_.upper_bound(own) : calls_.lower_bound(own);
  return at != calls_.end() && at->first.group == own.group ? &at->first : nullptr;
}

std::optional<PlanPrices::Uncounted> PlanPrices::of_most_rows(const Candidate& c, const Key& own) {
  const std::set<int64_t>& all = rows_[own.group];
  const auto beyond = all.upper_bound(kMoreRows * own.rows);
  if (beyond == all.begin()) return std::nullopt;
  const int64_t most = *std::prev(beyond);
  if (most < own.rows || (alike(c) && most == own.rows)) return std::nullopt;
  return of_rows(c, most);
}

std::optional<PlanPrices::Key> PlanPrices::rows_key(const Candidate& c) const {
  if (alike(c)) return key(c);
  const bool whole = c.microbatches == 1 && line_.batch() != 0 && line_.batch() % c.of_use.dp == 0;
  if (!whole && !is_single_row(c)) return std::nullopt;
  const Degrees& d = c.of_use;
  return Key{{d.tp, d.cp, d.sp, d.recompute, 0}, whole ? line_.batch() / d.dp : 1};
}

void PlanPrices::set_bound_by(Candidate* c, const Key& calls, double times) {
  double least = std::numeric_limits<double>::infinity();
  double kept = least, bytes = least_bytes(*c);
  const auto found = weights_.find(weights_key(*c));
  for (const PipelineSchedule& s : schedules_of(*c)) {
    StageBound b = stage_bound(calls, c->degrees.pp, s.chunks);
    b.slowest_s /= times;
    b.fastest_s /= times;
    const Passes all =
        passes(*c, pipelined_by_calls(*c, b, s), c->microbatches * b.slowest_s, b.part_s);
    double step = with_least_once_s(*c, all);
    if (found != weights_.end()) step = std::max(step, stage_step_s(*c, found->second, b, all, s));
    least = std::min(least, step);
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
double PlanPrices::stage_step_s(const Candidate& c, const Weights& w, const StageBound& b,
                                const Passes& passes, const PipelineSchedule& s) {
  const auto [at, is_new] =
      stage_once_.try_emplace({weights_key(c), c.degrees.pp, s.chunks, b.slowest});
  if (is_new) at->second = {once_of(*w.costs, c, s, 0), once_of(*w.costs, c, s, b.slowest)};
  return std::min(with_once_s(c, passes, at->second.first),
                  with_once_s(c, passes, at->second.second));
}

PlanPrices::StageOnce PlanPrices::once_of(const PlaceCosts& costs, const Candidate& c,
                                          const PipelineSchedule& s, uint32_t stage) {
  const auto stages = static_cast<uint32_t>(c.degrees.pp);
  const std::vector<uint32_t>& part_of = line_.cut(stages * static_cast<uint32_t>(s.chunks));
  StageOnce sum{.once_s = costs.common.once_s + costs.common.once_exchange_s,
                .beside_s = costs.common.once_beside_s};
  for (size_t i = 0; i < part_of.size(); ++i) {
    if (part_of[i] % stages != stage) continue;
    const PlaceCost& p = costs.places[line_.order()[i]];
    sum.once_s += p.once_s + p.once_exchange_s;
    sum.each_s += line_.overlaps() ? p.data_links_s : p.forward_data_s + p.backward_data_s;
    sum.beside_s += p.once_beside_s;
    if (part_of[i] == stage) sum.last_beside_s += p.once_beside_s;
  }
  return sum;
}

PlanPrices::Passes PlanPrices::passes(const Candidate& c, double step_s, double calls_s,
                                      double part_s) {
  // The last of several parts of a stage end one after the other.
  const int last = std::min(c.microbatches, c.degrees.pp);
  return {.step_s = step_s,
          .calls_s = calls_s,
          .last_s = calls_s * last / c.microbatches,
          .part_s = part_s};
}

// What goes on beside calls takes of a step what makes these slower, and what is left of it when
// they have ended. Of more than one stage idle time may have it as well.
double PlanPrices::with_once_s(const Candidate& c, const Passes& p, const StageOnce& o) const {
  const double each_s = c.microbatches * o.each_s;
  if (!line_.overlaps()) return p.step_s + o.once_s + each_s;
  const double step = std::max(p.step_s, p.calls_s + beyond_s(p.calls_s, each_s));
  const double before = beyond_s(p.last_s, o.beside_s - o.last_beside_s);
  return step + o.once_s +
         std::max(beyond_s(p.last_s + o.once_s, o.beside_s),
                  before + beyond_s(p.part_s + o.once_s, o.last_beside_s));
}

double PlanPrices::beyond_s(double calls_s, double exchange_s) const {
  const double slowdown = cluster_.device.fitted.overlap_slowdown;
  return cost::overlapped_seconds(calls_s, exchange_s, slowdown) - calls_s;
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
  std::vector<double> first(static_cast<size_t>(pp));
  for (size_t i = 0; i < part_of.size(); ++i) {
    Stage& stage = stages[part_of[i] % static_cast<uint32_t>(pp)];
    const PlaceCost& p = calls[line_.order()[i]];
    stage.forward += p.forward_of_batch();
    stage.input += p.input_of_batch();
    stage.weight += p.weight_s;
    stage.kept += p.kept;
    if (part_of[i] < first.size()) first[part_of[i]] += p.input_of_batch() + p.weight_s;
  }
  StageBound& out = at->second;
  out.kept_first = stages[0].kept;
  out.part_s = *std::ranges::max_element(first);
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

// With the optimizer, and what dp exchanges at least: sums of gradients, weights that are shared.
double PlanPrices::with_least_once_s(const Candidate& c, const Passes& p) {
  const Degrees& d = c.degrees;
  double optimizer = bound_.work(c.of_use.dp, c.of_use.tp).optimizer_s;
  optimizer *= (d.zero == 0 ? c.of_use.dp : 1.0 / d.cp) / d.pp;
  if (d.dp == 1 || !bound_.shares_batch(d.dp) || options_.overlap.data) {
    return p.step_s + optimizer;
  }
  const DataExchange& x = data_exchange(d, c.microbatches);
  if (!line_.overlaps()) return p.step_s + optimizer + x.passes_s + x.gradients_s + x.weights_s;
  const double each =
      std::max(beyond_s(p.calls_s, x.passes_s), c.microbatches * least_shown_s(c) / d.pp);
  const double step = std::max(p.step_s, p.calls_s + each);
  // Weights come when the optimizer has begun, if gradients leave them the links.
  const double slower = x.gradients_s * (1 - 1 / cluster_.device.fitted.overlap_slowdown);
  const double apart = slower + beyond_s(optimizer, x.weights_s);
  const double together = beyond_s(p.last_s + optimizer, x.gradients_s + x.weights_s);
  return step + optimizer + std::max(apart, together);
}

double PlanPrices::least_shown_s(const Candidate& c) {
  const std::optional<Key> own = c.degrees.zero == 3 ? rows_key(c) : std::nullopt;
  const auto found = own ? shown_.find(own->group) : shown_.end();
  if (found == shown_.end()) return 0;
  double most = 0;
  for (const Shown& s : found->second) {
    if (s.rows < own->rows) continue;
    const double its = data_exchange(s.degrees, 1).passes_s * s.degrees.pp;
    const double less = its - data_exchange(c.degrees, 1).passes_s * c.degrees.pp;
    const double least = s.seconds - std::max(0.0, less);
    most = std::max(most, s.alike && alike(c) ? least : least / kOthers);
  }
  return most;
}

const PlanPrices::DataExchange& PlanPrices::data_exchange(const Degrees& d, int microbatches) {
  const int m = d.zero == 3 ? microbatches : 1;
  const auto [at, is_new] = data_exchange_.try_emplace({d.pp, d.dp, d.tp, d.cp, d.zero, m});
  if (!is_new) return at->second;
  using cluster::Collective;
  const auto shapes = cost::axis_shapes(cluster_, Mesh{{{"dp", d.dp}, {"cp", d.cp}, {"tp", d.tp}}});
  const auto seconds = [&](Collective kind, double bytes, size_t axis) {
    return cost::collective_seconds(cluster_, kind, bytes, shapes[axis]);
  };
  // What is shared along cp as well is less along dp, or comes along dp when it is whole along cp.
  const auto whole_s = [&](double bytes) {
    return std::min({seconds(Collective::kAllGather, bytes / d.cp, 0) +
                         seconds(Collective::kAllGather, bytes, 1),
                     seconds(Collective::kAllGather, bytes, 0)});
  };
  const auto add = [&](double bytes, double times) {
    const double share = bytes / (d.zero > 0 ? d.cp : 1);
    const Collective sums = d.zero < 2 ? Collective::kAllReduce : Collective::kReduceScatter;
    at->second.gradients_s += times * seconds(sums, share, 0);
    if (d.zero == 3) at->second.passes_s += times * 2 * m * whole_s(bytes);
    if (d.zero == 1 || d.zero == 2) {
      at->second.weights_s += times * seconds(Collective::kAllGather, share, 0);
    }
  };
  // Others may go together.
  const WorkBound::Bytes& all = bound_.bytes(d.tp);
  double rest = all.gradients;
  for (const auto& [bytes, times] : all.alone) {
    rest -= times * bytes;
    add(bytes, times / d.pp);
  }
  add(std::max(0.0, rest) / d.pp, 1);
  return at->second;
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

std::vector<PipelineSchedule> PlanPrices::schedules_of(const Candidate& c) const {
  Degrees d = c.degrees;
  d.microbatches = c.microbatches;
  return schedules(d, pins_, line_.order().size());
}

double PlanPrices::bound_s(const Candidate& c, const Counted& counted, const PipelineSchedule& s) {
  const StageBound& stage = stage_bound(key(c), c.degrees.pp, s.chunks);
  const Passes all =
      passes(c, pipelined_by_calls(c, stage, s), c.microbatches * stage.slowest_s, stage.part_s);
  const auto seconds = [&](uint32_t of) {
    return with_once_s(c, all, once_of(counted.costs, c, s, of));
  };
  return std::min(seconds(0), seconds(stage.slowest));
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
    whole_ = std::make_unique<WindowPlanner>(
        step_.window,
        PlannerInput{
            .uploaded = step_.uploaded, .first_temporary = 1, .overlaps = line_.overlaps()},
        &signatures_);
  }
  auto planned = std::make_shared<PlannedWindow>(whole_->plan(degrees));
  PricedPlan out{.planned = planned, .whole = true};
  out.price.step = price_step(step_, *planned, degrees, cluster_, options_, &signatures_);
  return out;
}

}  // namespace moai::compiler
