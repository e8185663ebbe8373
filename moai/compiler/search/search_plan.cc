#include "moai/compiler/search/search_plan.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <limits>
#include <memory>
#include <queue>
#include <unordered_set>

#include "moai/compiler/search/plan_prices.h"
#include "moai/compiler/search/why_not.h"

namespace moai::compiler {
namespace {

constexpr size_t kShown = 6;       // the best and the next five
constexpr size_t kMoreOfDeep = 8;  // candidates of deep windows, for the next five
constexpr size_t kWholeMax = 16;   // so many plans
constexpr size_t kSmallest = 8;    // that are priced where nothing fits
// Counts that go on side by side, and what comes next of which these are: of those that are open
// most will be looked at.
constexpr size_t kBeside = 2;
constexpr size_t kLookedAhead = 256;

using Clock = std::chrono::steady_clock;

double since(Clock::time_point begin) {
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

PlanPrice summary(const StepPrice& p) {
  return {.step_s = p.program.step_s,
          .exchange_s = p.slices.exchange_s,
          .idle_s = p.slices.idle_s,
          .memory_bytes = static_cast<double>(p.program.memory_bytes_max)};
}

double limit_of(const SearchProblem& p) {
  return p.memory_bytes > 0 ? p.memory_bytes : static_cast<double>(p.cluster->device.memory_bytes);
}

class Search {
 public:
  explicit Search(const SearchProblem& p)
      : begin_(Clock::now()),
        problem_(p),
        prices_(*p.step, *p.cluster, p.pins, p.options, limit_of(p), p.signatures) {}

  Result<SearchResult> run() {
    result_.rows = prices_.line().batch();
    result_.layers = prices_.line().layers();
    result_.layers_priced = prices_.line().layers_kept();
    candidates_ = prices_.candidates();
    result_.candidates = result_.fitting = candidates_.size();
    if (candidates_.empty()) return nothing_allowed();
    result_.lower_bound_s = std::numeric_limits<double>::infinity();
    if (problem_.known) begin_with(*problem_.known);
    visit();
    if (found_.empty() && !stopped_) visit_smallest();
    if (stopped_) return cancelled("[search.plan] the search was stopped");
    settle();
    result_.search_s = since(begin_);
    confirm();
    result_.confirm_s = since(begin_) - result_.search_s;
    return finish();
  }

  Result<SearchResult> price(const CachedSearch& known) {
    result_.rows = prices_.line().batch();
    result_.layers = prices_.line().layers();
    result_.layers_priced = prices_.line().layers_kept();
    Degrees degrees = known.plans[0].degrees;
    degrees.schedule = {};
    candidates_ = prices_.candidates();
    const auto at = std::ranges::find(candidates_, degrees, &Candidate::degrees);
    if (at == candidates_.end()) return not_found("[search.plan] the plan is none of this step");
    prices_.set_bound(&*at);
    price_all(static_cast<size_t>(at - candidates_.begin()));
    result_.search_s = since(begin_);
    confirm();
    result_.confirm_s = since(begin_) - result_.search_s;
    for (size_t i = 1; i < known.plans.size() && !found_.empty(); ++i) {
      const CachedPlan& p = known.plans[i];
      found_.push_back({.found = {.degrees = p.degrees,
                                  .price = {.step_s = p.step_s,
                                            .exchange_s = p.exchange_s,
                                            .idle_s = p.idle_s,
                                            .memory_bytes = p.memory_bytes},
                                  .lower_bound_s = p.lower_bound_s,
                                  .fits = p.fits}});
    }
    result_.candidates = known.candidates;
    result_.fitting = result_.priced = known.priced;
    result_.lower_bound_s = known.lower_bound_s;
    return finish();
  }

 private:
  struct Plan {
    FoundPlan found{};
    PricedPlan priced{};
    size_t candidate = 0;
  };

  Status nothing_allowed() const {
    return invalid_argument("[search.plan] no plan for " +
                            std::to_string(problem_.cluster->devices()) +
                            " devices is as pinned; dp × tp × pp × cp must be the number of "
                            "devices, and zero needs dp or cp");
  }

  bool fits(double bytes) const { return bytes <= prices_.limit(); }

  // Best first: what fits by its seconds, then the rest by its bytes.
  static bool before(const Plan& a, const Plan& b) {
    if (a.found.fits != b.found.fits) return a.found.fits;
    return a.found.fits ? a.found.price.step_s < b.found.price.step_s
                        : a.found.price.memory_bytes < b.found.price.memory_bytes;
  }
  void insert(std::vector<Plan>* plans, Plan plan) {
    const auto at = std::ranges::upper_bound(*plans, plan, before);
    plans->insert(at, std::move(plan));
  }

  // ---- the order of candidates

  enum class Level : uint8_t { kCalls, kExchange, kRows, kMicrobatch, kSchedule, kPriced };
  struct Open {
    double bound_s = 0;
    Level level = Level::kCalls;
    size_t index = 0;  // of candidates_, of scheduled_, or of priced_

    bool operator<(const Open& other) const { return bound_s > other.bound_s; }
  };
  // A candidate whose calls are counted, with one of its schedules.
  struct Scheduled {
    size_t candidate = 0;
    std::shared_ptr<const PlanPrices::Counted> counted{};
    PipelineSchedule schedule{};
  };

  // The plans of other sizes, with micro-batches of as many rows: the first is counted from its own
  // window, of which calls of others are counted then.
  void begin_with(const CachedSearch& known) {
    const bool batches = known.rows > 0 && result_.rows > 0;
    const double scale =
        batches ? static_cast<double>(result_.rows) / static_cast<double>(known.rows) : 1;
    for (const CachedPlan& p : known.plans) {
      stopped_ = problem_.stopped && problem_.stopped();
      if (stopped_) return;
      const std::optional<size_t> at = find_like(candidates_, p.degrees, scale);
      if (!at || begun_.contains(*at)) continue;
      Candidate& c = candidates_[*at];
      prices_.set_bound(&c);
      if (!fits(c.memory_bytes)) continue;
      begun_.insert(*at);
      if (!result_.begun_with) result_.begun_with = p.degrees;
      is_plain(c) ? price_whole(*at) : count(*at, begun_.size() == 1, p.degrees.schedule);
    }
  }

  void visit() {
    for (size_t i = 0; i < candidates_.size(); ++i) {
      if (begun_.contains(i)) continue;
      prices_.set_bound(&candidates_[i]);
      if (!drop(candidates_[i])) open_.push({candidates_[i].bound_s, Level::kCalls, i});
    }
    size_t enough = std::numeric_limits<size_t>::max();
    while (!open_.empty() && found_.size() < kShown && !stopped_) {
      const Open next = open_.top();
      // The best is proven; what comes next may be what is priced by then.
      if (!found_.empty() && prices_.nodes({}) > problem_.whole_nodes_max) {
        const size_t more = begun_.size() < kShown ? kMoreOfDeep : 0;
        enough = std::min(enough, result_.priced + more);
      }
      if (result_.priced >= enough) break;
      open_.pop();
      if (next.level == Level::kPriced) {
        accept(next.index);
      } else if (next.level == Level::kSchedule) {
        price(scheduled_[next.index]);
      } else {
        look_closer(next);
      }
    }
    const double rest = open_.empty() ? result_.lower_bound_s : open_.top().bound_s;
    result_.lower_bound_s = std::min(result_.lower_bound_s, rest);
  }
  // Of a candidate's schedules the first that is accepted is the best.
  void accept(size_t index) {
    Plan& plan = priced_[index];
    if (!plan.priced.whole && !accepted_.insert(plan.candidate).second) return;
    found_.push_back(std::move(plan));
  }
  // Whether the candidate takes more than there is at least.
  bool drop(const Candidate& c) {
    if (fits(c.memory_bytes)) return false;
    --result_.fitting;
    return true;
  }
  void look_closer(const Open& at) {
    Candidate& c = candidates_[at.index];
    if (at.level == Level::kCalls) {
      prices_.set_bound(&c);
      open_.push({c.bound_s, Level::kExchange, at.index});
      return;
    }
    stopped_ = problem_.stopped && problem_.stopped();
    if (stopped_) return;
    count_ahead(at);
    // What was counted since it was opened may tell more of it.
    if (at.level == Level::kMicrobatch) prices_.set_bound_by_calls(&c);
    if (at.level == Level::kRows) prices_.set_bound_by_rows(&c);
    if (c.bound_s > at.bound_s) return open_again(at.index, at.level);
    if (at.level != Level::kMicrobatch) {
      if (prices_.set_bound_by_calls(&c)) return open_again(at.index, Level::kMicrobatch);
      if (at.level == Level::kExchange && !is_plain(c) && prices_.set_bound_by_rows(&c)) {
        return open_again(at.index, Level::kRows);
      }
      if (at.level == Level::kRows && prices_.count_calls(c)) {
        prices_.set_bound_by_calls(&c);
        return open_again(at.index, Level::kMicrobatch);
      }
    }
    is_plain(c) ? price_whole(at.index) : count(at.index);
  }
  // What this look will count, and one of those that come next, side by side.
  void count_ahead(const Open& at) {
    const auto own = to_count(at);
    if (!own) return;
    std::vector<PlanPrices::Uncounted> some{*own};
    std::vector<Open> seen;
    while (some.size() < kBeside && seen.size() < kLookedAhead && !open_.empty()) {
      seen.push_back(open_.top());
      open_.pop();
      const auto next = to_count(seen.back());
      if (!next) continue;
      const auto same = [&](const auto& u) { return prices_.is_same(u, *next); };
      if (std::ranges::none_of(some, same)) some.push_back(*next);
    }
    for (const Open& o : seen) open_.push(o);
    prices_.count_beside(some, problem_.threads);
  }
  // Nothing where it needs no count as far as is known, or will come later.
  std::optional<PlanPrices::Uncounted> to_count(const Open& at) {
    if (at.level == Level::kSchedule || at.level == Level::kPriced) return std::nullopt;
    Candidate& c = candidates_[at.index];
    if (is_plain(c)) return std::nullopt;
    if (at.level == Level::kCalls) prices_.set_bound(&c);
    if (at.level == Level::kRows) prices_.set_bound_by_rows(&c);
    if (at.level == Level::kMicrobatch) prices_.set_bound_by_calls(&c);
    if (c.bound_s > at.bound_s) return std::nullopt;
    if (at.level == Level::kMicrobatch) return prices_.uncounted(c);
    return at.level == Level::kRows ? prices_.uncounted_calls(c) : prices_.uncounted_rows(c);
  }
  void open_again(size_t index, Level level) {
    const Candidate& c = candidates_[index];
    if (!drop(c)) open_.push({c.bound_s, level, index});
  }
  // Whether its programs are no more than the calls of a micro-batch.
  bool is_plain(const Candidate& c) const {
    return !problem_.options.overlap.data && !prices_.line().folded() && c.microbatches == 1 &&
           c.degrees.pp == 1 && c.degrees.recompute == Recompute::kNone &&
           prices_.nodes(c) <= problem_.whole_nodes_max;
  }

  // Counts the candidate's calls: each of its schedules is open then, and `first` is priced.
  void count(size_t index, bool emitted = false, std::optional<PipelineSchedule> first = {}) {
    Candidate& c = candidates_[index];
    auto counted = emitted ? prices_.count_emitted(c) : prices_.count(c);
    if (!counted) return price_whole(index);
    ++result_.priced;
    const auto shared = std::make_shared<const PlanPrices::Counted>(std::move(*counted));
    prices_.set_bound_by_calls(&c);
    if (drop(c)) return;
    result_.lower_bound_s = std::min(result_.lower_bound_s, c.bound_s);
    for (const PipelineSchedule& s : prices_.schedules_of(c)) {
      if (s == first) {
        price({index, shared, s});
        continue;
      }
      open_.push({prices_.bound_s(c, *shared, s), Level::kSchedule, scheduled_.size()});
      scheduled_.push_back({index, shared, s});
    }
  }
  void price(const Scheduled& s) {
    if (accepted_.contains(s.candidate)) return;
    auto price = prices_.price(candidates_[s.candidate], *s.counted, s.schedule);
    if (!price) return;
    std::shared_ptr<const PlannedWindow> planned;
    if (s.counted->planned) planned = {s.counted, &*s.counted->planned};
    open({.priced = {std::move(*price), planned, false}, .candidate = s.candidate});
  }
  // What cannot be taken apart is priced as it is, if the user wants it so.
  void price_whole(size_t index) {
    const Candidate& c = candidates_[index];
    const bool pinned = problem_.pins.microbatches || problem_.pins.pp || problem_.pins.recompute;
    if (!pinned && c.microbatches > 1) {
      --result_.candidates;
      --result_.fitting;
      return;
    }
    Degrees d = c.degrees;
    if (d.pp > 1) d.schedule = problem_.pins.schedule.value_or(PipelineSchedule{});
    ++result_.priced;
    result_.lower_bound_s = std::min(result_.lower_bound_s, c.bound_s);
    open({.priced = prices_.price_whole(d), .candidate = index});
  }
  // What fits is open again, with its price.
  void open(Plan plan) {
    set_price(&plan);
    plan.found.lower_bound_s = candidates_[plan.candidate].bound_s;
    if (!plan.found.fits) return insert(&too_large_, std::move(plan));
    open_.push({plan.found.price.step_s, Level::kPriced, priced_.size()});
    priced_.push_back(std::move(plan));
  }
  void set_price(Plan* plan) const {
    plan->found.degrees = plan->priced.price.step.degrees;
    plan->found.price = summary(plan->priced.price.step);
    plan->found.whole = plan->priced.whole;
    if (plan->found.whole && problem_.mistake) {
      problem_.mistake(plan->found.degrees, &plan->found.price);
    }
    plan->found.fits = fits(plan->found.price.memory_bytes);
  }

  // Where nothing fits: what needs least.
  void visit_smallest() {
    result_.lower_bound_s = 0;
    std::vector<size_t> order(candidates_.size());
    for (size_t i = 0; i < order.size(); ++i) order[i] = i;
    std::ranges::stable_sort(order, {}, [&](size_t i) { return candidates_[i].memory_bytes; });
    for (size_t i = 0; i < std::min(order.size(), kSmallest) && !stopped_; ++i) {
      stopped_ = problem_.stopped && problem_.stopped();
      price_all(order[i]);
    }
  }
  // Whether or not it fits.
  void price_all(size_t index) {
    const Candidate& c = candidates_[index];
    auto counted = prices_.count_emitted(c);
    if (!counted) return price_whole(index);
    const auto shared = std::make_shared<const PlanPrices::Counted>(std::move(*counted));
    for (const PipelineSchedule& s : prices_.schedules_of(c)) price({index, shared, s});
  }

  // ---- the best: from calls that are emitted for it, then as all of its programs

  // Bounds of measured devices may be off: the order is that of prices.
  void settle() {
    gather();
    std::ranges::stable_sort(found_, before);
    while (!found_.empty() && !found_.front().priced.planned && !stopped_) {
      Plan plan = std::move(found_.front());
      found_.erase(found_.begin());
      const Candidate& c = candidates_[plan.candidate];
      const auto counted = std::make_shared<const PlanPrices::Counted>(*prices_.count_emitted(c));
      auto price = prices_.price(c, *counted, plan.found.degrees.schedule);
      plan.priced = {.price = std::move(*price), .planned = {counted, &*counted->planned}};
      set_price(&plan);
      insert(&found_, std::move(plan));
    }
  }
  void gather() {
    for (; !open_.empty(); open_.pop()) {
      const Open& next = open_.top();
      if (next.level == Level::kPriced && found_.size() < kShown) accept(next.index);
    }
    for (Plan& plan : too_large_) {
      if (accepted_.insert(plan.candidate).second) found_.push_back(std::move(plan));
    }
    too_large_.clear();
  }
  void confirm() {
    gather();
    for (size_t rounds = 0; rounds < kWholeMax; ++rounds) {
      const size_t shown = std::min(found_.size(), kShown);
      const auto next = std::find_if(found_.begin(), found_.begin() + static_cast<ptrdiff_t>(shown),
                                     [&](const Plan& p) { return may_confirm(p); });
      if (next == found_.begin() + static_cast<ptrdiff_t>(shown)) break;
      stopped_ = problem_.stopped && problem_.stopped();
      if (stopped_) return;
      Plan plan = std::move(*next);
      found_.erase(next);
      PricedPlan whole = prices_.price_whole(plan.found.degrees);
      whole.price.schedule = std::move(plan.priced.price.schedule);
      whole.price.simulation = std::move(plan.priced.price.simulation);
      plan.priced = std::move(whole);
      set_price(&plan);
      insert(&found_, std::move(plan));
    }
  }
  bool may_confirm(const Plan& p) const {
    // What runs beside passes of the step before is no part of a program.
    return !p.found.whole && p.found.fits && !problem_.options.overlap.data &&
           prices_.nodes(candidates_[p.candidate]) <= problem_.whole_nodes_max;
  }

  Result<SearchResult> finish() {
    if (stopped_) return cancelled("[search.plan] the search was stopped");
    if (found_.empty()) return nothing_allowed();
    Plan& first = found_.front();
    if (!first.found.fits) {
      return resource_exhausted("[search.plan] no plan fits: " + to_string(first.found.degrees) +
                                " needs the least memory, " +
                                memory_text(first.found.price.memory_bytes, prices_.limit()) +
                                "; more devices, or less of a batch");
    }
    result_.best = first.found;
    for (size_t i = 1; i < std::min(found_.size(), kShown); ++i) {
      found_[i].found.why_not = why_not(found_[i].found, result_.best, prices_.limit());
      result_.alternatives.push_back(found_[i].found);
    }
    describe(&first.priced);
    return std::move(result_);
  }

  void price_alone() {
    const auto alone = prices_.count(Candidate{});
    const auto price = alone ? prices_.price(Candidate{}, *alone, {}) : std::nullopt;
    result_.one_device = price ? price->step : prices_.price_whole({}).price.step;
  }
  void describe(PricedPlan* best) {
    const PlannedWindow& planned = *best->planned;
    const auto line = [&](graph::LineId at) {
      return best->whole ? at : prices_.line().script_line(at);
    };
    result_.weights = weight_layouts(planned);
    for (WeightLayout& w : result_.weights) w.line = line(w.line);
    result_.price = std::move(best->price);
    if (problem_.one_device) price_alone();
    for (WholeCalls& w : result_.price.step.whole) w.line = line(w.line);
    result_.microbatches = planned.microbatches;
    result_.barriers = planned.barriers;
    result_.in_time = planned.in_time;
    const Factors& factors = planned.analysed->factors;
    for (const FactorId f : planned.roles.batch) result_.batches.push_back(factors.size(f));
    if (!planned.roles.sequence.empty()) {
      result_.sequence = factors.size(planned.roles.sequence[0]);
    }
  }

  const Clock::time_point begin_;
  const SearchProblem& problem_;
  PlanPrices prices_;
  std::vector<Candidate> candidates_;
  std::priority_queue<Open> open_;
  std::vector<Scheduled> scheduled_;
  std::vector<Plan> priced_;
  std::unordered_set<size_t> accepted_;  // candidates
  std::unordered_set<size_t> begun_;     // candidates that came first
  std::vector<Plan> found_, too_large_;  // best first
  SearchResult result_;
  bool stopped_ = false;
};

}  // namespace

Result<SearchResult> search_plan(const SearchProblem& problem) { return Search(problem).run(); }

Result<SearchResult> price_plan(const SearchProblem& problem, const CachedSearch& known) {
  SearchProblem of_plan = problem;
  of_plan.pins = pins_of(known.plans[0].degrees);
  return Search(of_plan).price(known);
}

CachedSearch to_cached(const SearchResult& found) {
  CachedSearch out{.lower_bound_s = found.lower_bound_s,
                   .candidates = found.candidates,
                   .priced = found.priced,
                   .rows = found.rows};
  const auto add = [&](const FoundPlan& p) {
    out.plans.push_back({p.degrees, p.price.step_s, p.price.exchange_s, p.price.memory_bytes,
                         p.lower_bound_s, p.fits, p.price.idle_s});
  };
  add(found.best);
  std::ranges::for_each(found.alternatives, add);
  return out;
}

}  // namespace moai::compiler
