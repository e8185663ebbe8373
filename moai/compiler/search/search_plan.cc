#include "moai/compiler/search/search_plan.h"

#include <algorithm>
#include <chrono>
#include <cstdio>

#include "moai/compiler/search/fold_layers.h"

namespace moai::compiler {
namespace {

constexpr size_t kShown = 6;       // the best and the next five
constexpr size_t kFewLayers = 2;   // of the smaller window
constexpr size_t kSomeLayers = 3;  // of the larger one

using Clock = std::chrono::steady_clock;

double since(Clock::time_point begin) {
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

std::string text(const char* format, double a, double b) {
  char out[160];
  std::snprintf(out, sizeof out, format, a, b);
  return out;
}

// The window, or one with fewer layers, with its plans.
struct Model {
  Model(graph::Window window, std::unordered_set<graph::StorageId> left_out, size_t depth,
        const SearchProblem& p)
      : layers(depth),
        absent(std::move(left_out)),
        planner(std::move(window), p.uploaded, 1, p.signatures),
        bound(&planner, p.call_seconds) {}

  size_t layers;
  std::unordered_set<graph::StorageId> absent;
  WindowPlanner planner;
  WorkBound bound;
};

class Search {
 public:
  explicit Search(const SearchProblem& p) : problem_(p) {}

  Result<SearchResult> run() {
    const Clock::time_point begin = Clock::now();
    build_models();
    const bool sequence = !models_[0]->planner.roles().sequence.empty();
    std::vector<Degrees> known;
    for (const Degrees& d : every_degrees(problem_.devices, problem_.pins, sequence)) {
      const Degrees of_use = models_[0]->bound.of_use(d);
      const auto same = std::ranges::find(known, of_use);
      if (same != known.end()) {
        // Who only repeats what others do is better called tensor parallel: nothing of the batch is
        // made ready for a split that never comes.
        candidates_[static_cast<size_t>(same - known.begin())].degrees = d;
        continue;
      }
      known.push_back(of_use);
      candidates_.push_back({.degrees = d, .lower_bound_s = lower_bound(d)});
    }
    if (candidates_.empty()) return nothing_allowed();
    std::ranges::stable_sort(candidates_, {}, &FoundPlan::lower_bound_s);
    result_.candidates = candidates_.size();
    result_.lower_bound_s = candidates_.front().lower_bound_s;
    visit();
    result_.search_s = since(begin);
    return confirm();
  }

 private:
  Status nothing_allowed() const {
    return invalid_argument("[search.plan] no plan for " + std::to_string(problem_.devices) +
                            " devices is as pinned; dp × tp must be the number of devices, and "
                            "zero needs dp");
  }

  // One model of all layers, or two of few.
  void build_models() {
    const LayerFolder folder(*problem_.window, problem_.signatures);
    result_.layers = folder.layers();
    auto few = folder.keep(kFewLayers), some = folder.keep(kSomeLayers);
    if (few && some) {
      for (FoldedWindow* w : {&*few, &*some}) {
        models_.push_back(std::make_unique<Model>(std::move(w->window), std::move(w->absent),
                                                  w->layers, problem_));
      }
    } else {
      models_.push_back(std::make_unique<Model>(
          *problem_.window, std::unordered_set<graph::StorageId>{}, result_.layers, problem_));
    }
    result_.layers_priced = models_.back()->layers;
  }

  // Of a quantity that grows by the same for each layer.
  double of_all_layers(double few, double some) const {
    const auto more = static_cast<double>(result_.layers - models_[1]->layers);
    const auto between = static_cast<double>(models_[1]->layers - models_[0]->layers);
    return some + std::max(0.0, some - few) / between * more;
  }
  double of_all_layers(const std::function<double(Model&)>& quantity) {
    const double few = quantity(*models_[0]);
    return models_.size() == 1 ? few : of_all_layers(few, quantity(*models_[1]));
  }

  double lower_bound(const Degrees& d) {
    const double work = of_all_layers([&](Model& m) { return m.bound.step_s(d); });
    if (!models_[0]->bound.shares_batch(d.dp)) return work;
    const double bytes = of_all_layers([&](Model& m) { return m.bound.gradient_bytes(d); });
    return work + problem_.gradient_seconds(d, bytes);
  }

  PlanPrice price(const Degrees& d) {
    ++result_.priced;
    std::vector<PlanPrice> prices;
    for (const auto& m : models_) {
      prices.push_back(problem_.price(m->planner.plan(d), d, m->absent));
    }
    if (prices.size() == 1) return prices[0];
    const auto all = [&](double PlanPrice::* field) {
      return of_all_layers(prices[0].*field, prices[1].*field);
    };
    return {all(&PlanPrice::step_s), all(&PlanPrice::exchange_s), all(&PlanPrice::memory_bytes)};
  }

  bool fits(double bytes) const { return bytes <= problem_.memory_bytes; }

  // Best first: what fits by its seconds, then the rest by its bytes.
  static bool before(const FoundPlan& a, const FoundPlan& b) {
    if (a.fits != b.fits) return a.fits;
    return a.fits ? a.price.step_s < b.price.step_s : a.price.memory_bytes < b.price.memory_bytes;
  }
  void insert(FoundPlan plan) {
    found_.insert(std::ranges::upper_bound(found_, plan, before), std::move(plan));
  }

  void visit() {
    for (FoundPlan& c : candidates_) {
      const bool enough = found_.size() >= kShown && found_[kShown - 1].fits;
      if (enough && c.lower_bound_s >= found_[kShown - 1].price.step_s) break;
      const double resident =
          of_all_layers([&](Model& m) { return m.bound.resident_bytes(c.degrees); });
      if (fits(resident)) {
        c.price = price(c.degrees);
        c.fits = fits(c.price.memory_bytes);
      } else {
        c.price = {.step_s = c.lower_bound_s, .memory_bytes = resident};
      }
      insert(c);
    }
  }

  // Takes the first that fits with all layers.
  Result<SearchResult> confirm() {
    const Clock::time_point begin = Clock::now();
    std::optional<WindowPlanner> whole;
    while (found_.front().fits) {
      FoundPlan& first = found_.front();
      if (models_.size() == 1) {
        result_.planned = models_[0]->planner.plan(first.degrees);
        break;
      }
      if (!whole) whole.emplace(*problem_.window, problem_.uploaded, 1, problem_.signatures);
      result_.planned = whole->plan(first.degrees);
      first.price = problem_.price(result_.planned, first.degrees, {});
      if (fits(first.price.memory_bytes)) break;
      FoundPlan too_large = std::move(first);
      found_.erase(found_.begin());
      too_large.fits = false;
      insert(std::move(too_large));
    }
    result_.confirm_s = since(begin);
    const FoundPlan& first = found_.front();
    if (!first.fits) {
      return resource_exhausted("[search.plan] no plan fits: " + to_string(first.degrees) +
                                " needs the least memory, " +
                                text("%.1f GB of %.1f; more devices, or less of a batch",
                                     first.price.memory_bytes / 1e9, problem_.memory_bytes / 1e9));
    }
    result_.best = first;
    for (size_t i = 1; i < std::min(found_.size(), kShown); ++i) {
      found_[i].why_not = why_not(found_[i]);
      result_.alternatives.push_back(found_[i]);
    }
    return std::move(result_);
  }

  std::string why_not(const FoundPlan& p) const {
    if (!p.fits) {
      return text("needs %.1f GB of %.1f", p.price.memory_bytes / 1e9, problem_.memory_bytes / 1e9);
    }
    const PlanPrice& best = result_.best.price;
    const double exchange = p.price.exchange_s - best.exchange_s;
    const double rest = p.price.step_s - best.step_s - exchange;
    return text("%+.1f %% of a step", 100 * (p.price.step_s / best.step_s - 1), 0) +
           text(": exchanges %+.2f ms, the rest %+.2f ms", 1e3 * exchange, 1e3 * rest);
  }

  const SearchProblem& problem_;
  std::vector<std::unique_ptr<Model>> models_;
  std::vector<FoundPlan> candidates_;
  std::vector<FoundPlan> found_;  // best first
  SearchResult result_;
};

}  // namespace

Result<SearchResult> search_plan(const SearchProblem& problem) { return Search(problem).run(); }

}  // namespace moai::compiler
