// Of PlanPrices what is counted from emitted calls, one after the other and side by side.
#include <algorithm>
#include <atomic>
#include <cmath>
#include <thread>

#include "moai/compiler/search/plan_prices.h"

namespace moai::compiler {
namespace {

// Of plans whose weights lie whole this one has most beside what is kept: gradients that wait to
// be shared.
constexpr int kMostBeside = 2;

}  // namespace

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
  const std::optional<Key> rows = rows_key(c);
  if (line_.overlaps() && c.degrees.zero == 3 && rows) {
    Shown shown{c.degrees, alike(c), rows->rows,
                costs.common.forward_data_s + costs.common.backward_data_s};
    for (uint32_t place = 0; place < line_.places(); ++place) {
      const PlaceCost& p = costs.places[place];
      shown.seconds += line_.times(place) * (p.forward_data_s + p.backward_data_s);
    }
    shown_[rows->group].push_back(shown);
  }
  const double parts = static_cast<double>(c.microbatches) * c.of_use.dp;
  tensor_exchange_.try_emplace({c.of_use.tp, c.of_use.cp, c.of_use.sp},
                               costs.tensor_bandwidth_s * parts);
}

std::optional<PlanPrices::Counted> PlanPrices::count(const Candidate& c) {
  if (line_.order().empty()) return std::nullopt;
  if (is_emitted(c)) return count_emitted(c);
  if (!count_calls(c)) return count_emitted(c);
  if (const auto weights = of_weights(c)) emit(*weights);
  const auto weights = weights_.find(weights_key(c));
  if (weights == weights_.end()) return count_emitted(c);
  return Counted{.costs = combine(*whole_weights_.at(key(c)), *weights->second.costs)};
}

// Whether its price is of its own programs.
bool PlanPrices::is_emitted(const Candidate& c) const {
  // Whether measured calls find their data in caches depends on all that a rank has.
  if (warm_ || c.degrees.zero == 3 || !alike(c)) return true;
  const bool known = whole_weights_.contains(key(c)) && weights_.contains(weights_key(c));
  return !known && windows_.has(c.microbatches, c.degrees.recompute);
}

std::optional<PlanPrices::Counted> PlanPrices::count_emitted(const Candidate& c) {
  if (line_.order().empty()) return std::nullopt;
  WindowPlanner* planner = windows_.of(c.microbatches, c.degrees.recompute);
  if (!planner) return std::nullopt;
  return emit({c, planner});
}

PlanPrices::Emitted PlanPrices::emitted(const Uncounted& u, bool warm) const {
  const Degrees& d = u.of.degrees;
  Emitted out{{.planned = u.planner->plan(
                   Degrees{.dp = d.dp, .tp = d.tp, .zero = d.zero, .sp = d.sp, .cp = d.cp})}};
  out.counted.planned->microbatches = u.of.microbatches;
  out.counted.costs = place_costs(line_, *out.counted.planned, cluster_, options_);
  if (warm) out.warm = place_costs(line_, *out.counted.planned, *warm_, options_);
  return out;
}

bool PlanPrices::wants_warm(const Candidate& c) const {
  return warm_ && (!calls_.contains(key(c)) || !weights_.contains(weights_key(c)));
}

PlanPrices::Counted PlanPrices::emit(const Uncounted& u) {
  return take(u.of, emitted(u, wants_warm(u.of)));
}

PlanPrices::Counted PlanPrices::take(const Candidate& c, Emitted emitted) {
  if (!warm_) note(c, emitted.counted.costs);
  if (emitted.warm) note(c, *emitted.warm);
  return std::move(emitted.counted);
}

void PlanPrices::count_beside(const std::vector<Uncounted>& some, int threads) {
  std::vector<Emitted> made(some.size());
  std::atomic<size_t> next = 0;
  const auto work = [&] {
    for (size_t i = next++; i < some.size(); i = next++) {
      made[i] = emitted(some[i], wants_warm(some[i].of));
    }
  };
  {
    std::vector<std::jthread> others;
    for (int t = 1; t < std::min(threads, static_cast<int>(some.size())); ++t) {
      others.emplace_back(work);
    }
    work();
  }
  for (size_t i = 0; i < some.size(); ++i) take(some[i].of, std::move(made[i]));
}

bool PlanPrices::is_same(const Uncounted& a, const Uncounted& b) const {
  return key(a.of) == key(b.of) && weights_key(a.of) == weights_key(b.of);
}

bool PlanPrices::count_calls(const Candidate& c) {
  if (!alike(c)) return false;
  if (const auto calls = uncounted_calls(c)) emit(*calls);
  return whole_weights_.contains(key(c));
}

std::optional<PlanPrices::Uncounted> PlanPrices::uncounted_rows(const Candidate& c) {
  const std::optional<Key> own = rows_key(c);
  if (!own || is_measured() || calls_.contains(key(c)) || more_rows(c, *own)) return std::nullopt;
  return of_most_rows(c, *own);
}

std::optional<PlanPrices::Uncounted> PlanPrices::uncounted_calls(const Candidate& c) {
  if (!alike(c) || whole_weights_.contains(key(c))) return std::nullopt;
  return of_rows(c, key(c).rows);
}

std::optional<PlanPrices::Uncounted> PlanPrices::uncounted(const Candidate& c) {
  if (line_.order().empty() || is_emitted(c)) return std::nullopt;
  return whole_weights_.contains(key(c)) ? of_weights(c) : uncounted_calls(c);
}

// From a window that was made before, if there is one, among more or fewer ranks.
std::optional<PlanPrices::Uncounted> PlanPrices::of_rows(const Candidate& c, int64_t rows) {
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
    if (m > parts) return std::nullopt;
    if (serves(m)) of.microbatches = m;
  }
  WindowPlanner* planner = windows_.of(of.microbatches, c.degrees.recompute);
  if (!planner) return std::nullopt;
  of.degrees.dp = static_cast<int>(parts / of.microbatches);
  of.degrees.zero = of.degrees.replicas() == 1 ? 0 : kMostBeside;
  of.of_use.dp = of.degrees.dp;
  of.of_use.zero = of.degrees.zero;
  return Uncounted{of, planner};
}

// Whatever micro-batches there are, and whatever is made again.
std::optional<PlanPrices::Uncounted> PlanPrices::of_weights(const Candidate& c) {
  if (weights_.contains(weights_key(c))) return std::nullopt;
  for (const Recompute how : {Recompute::kNone, c.degrees.recompute}) {
    for (const int m : windows_.made(how)) {
      if (line_.batch() % (static_cast<int64_t>(m) * c.degrees.dp) != 0) continue;
      Candidate of = c;
      of.microbatches = m;
      of.degrees.recompute = of.of_use.recompute = how;
      return Uncounted{of, windows_.of(m, how)};
    }
  }
  return std::nullopt;
}

}  // namespace moai::compiler
