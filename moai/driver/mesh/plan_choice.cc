#include "moai/driver/mesh/plan_choice.h"

#include <algorithm>
#include <unordered_set>
#include <utility>

#include "moai/base/log.h"
#include "moai/compiler/search/window_shape.h"
#include "moai/driver/mesh/plan_words.h"

namespace moai::driver {
namespace {

using compiler::CachedPlan;
using compiler::CachedSearch;
using compiler::Degrees;

// A plan has to be predicted this much faster: more than the price of any published step is off
// (docs/cost-model.md).
constexpr double kMargin = 0.15;
constexpr size_t kFormsMax = 16;  // that are looked up
constexpr int kStepsMax = 20;     // that a found plan waits for the form that it was found for
constexpr int kForGood = 20;      // steps of other sizes one after the other
constexpr int kSearchesMax = 8;   // of a job
constexpr size_t kTriesMax = 3;   // of plans that are predicted to be that much faster

const CachedPlan* find(const CachedSearch& search, const Degrees& degrees) {
  const auto at = std::ranges::find(search.plans, degrees, &CachedPlan::degrees);
  return at == search.plans.end() ? nullptr : &*at;
}

bool has_grown(const Degrees& d, const Degrees& from) {
  return d.zero > from.zero || d.recompute > from.recompute || d.microbatches > from.microbatches;
}

uint64_t in_ns(double seconds) { return static_cast<uint64_t>(seconds * 1e9); }

}  // namespace

Result<std::unique_ptr<PlanChoice>> PlanChoice::make(ChoiceOptions options) {
  std::deque<Planned> planned;
  for (const PlanSchedule::Part& part : options.schedule.parts) {
    MOAI_ASSIGN_OR_RETURN(const Degrees d, compiler::first_degrees(part.pins, options.ranks));
    const PlanBook::Open open{!part.pins.zero, !part.pins.recompute, !part.pins.microbatches};
    planned.push_back({part.from_step, {d, open, options.rank_bytes}});
  }
  return std::unique_ptr<PlanChoice>(new PlanChoice(std::move(options), std::move(planned)));
}

PlanChoice::PlanChoice(ChoiceOptions options, std::deque<Planned> planned)
    : options_(std::move(options)), planned_(std::move(planned)), now_(first().degrees) {
  state_.degrees = to_string(now_);
  state_.limit_bytes = options_.rank_bytes;
  if (planned_.size() == 1 && options_.cluster) {
    state_.cluster = options_.cluster->name;
    note("begun", "a training step that comes again is to be searched for a better plan");
  } else {
    phase_ = Phase::kDone;
    note("pinned", planned_.size() > 1 ? "plans of later steps are given" : options_.why_no_search);
  }
}

// ---- windows

std::optional<PlanBook::Options> PlanChoice::before(const graph::Window& w, const WindowPlan* known,
                                                    const graph::SignatureTable& signatures) {
  if (planned_.size() > 1 && planned_[1].from_step <= steps_) {
    planned_.pop_front();
    return better_ = planned_.front().options;
  }
  if (phase_ == Phase::kSearches) take_finding();
  if (phase_ == Phase::kLooks && !known && seen_.size() < kFormsMax) {
    look_up(graph::window_hash(w, signatures));
    return better_;
  }
  if (phase_ != Phase::kFound || !known || !known->trains) return std::nullopt;
  const bool its_step = known->id == searched_ || ++waited_ == kStepsMax;
  return its_step ? better_ : std::nullopt;
}

void PlanChoice::taken(const Status& status) {
  const Degrees wanted = better_->degrees;
  const std::string text = to_string(wanted);
  const bool searched = phase_ == Phase::kFound;
  better_.reset();
  if (!status.ok()) {
    say("The plan " + text + " is not taken up: " + status.message());
    if (searched && take_next()) return;
    phase_ = Phase::kDone;
    if (searched) note("stays", "of the plan " + text + ": " + status.message());
    return;
  }
  phase_ = Phase::kDone;
  now_ = wanted;
  row_ = 0;  // forms have other numbers now
  looked_at_.reset();
  say("The job goes on with the plan " + text + ".");
  const std::lock_guard lock(mutex_);
  ++state_.changes;
  state_.since_step = steps_;
}

void PlanChoice::give_up(const std::string& why) {
  last_.reset();
  if (settled()) return;
  search_.stop();
  phase_ = Phase::kDone;
  planned_.resize(1);
  note("stays", why);
}

void PlanChoice::runs(const graph::Window& w, const WindowPlan& plan,
                      const graph::SignatureTable& signatures, const Storages& storages) {
  if (has_grown(plan.degrees, now_)) now_ = plan.degrees;  // what had to fit
  if (phase_ == Phase::kLooks && plan.trains && plan.runs == 1) {
    if (plan.why_whole.empty()) {
      search(w, plan, signatures, storages);
    } else {
      note("begun", "every device runs the training step whole: " + plan.why_whole);
    }
  } else if (plan.trains && has_other_sizes(w, plan, signatures)) {
    search(w, plan, signatures, storages);
  }
  note_whole(plan);
}

// For as many steps as tell that it is no single batch that is smaller.
bool PlanChoice::has_other_sizes(const graph::Window& w, const WindowPlan& plan,
                                 const graph::SignatureTable& signatures) {
  if (plan.id != std::exchange(row_of_, plan.id)) row_ = 0;
  if (++row_ < kForGood || phase_ != Phase::kDone || searches_ == kSearchesMax) return false;
  if (!last_ || std::exchange(looked_at_, plan.id) == plan.id) return false;
  const compiler::WindowShape shape = compiler::window_shape(w, signatures);
  return plan.why_whole.empty() && key(shape.structure) == last_->family &&
         shape.elements != last_->elements;
}

void PlanChoice::search(const graph::Window& w, const WindowPlan& plan,
                        const graph::SignatureTable& signatures, const Storages& storages) {
  const std::unordered_set<StorageId> used(w.storages.begin(), w.storages.end());
  std::vector<StorageId> uploaded;
  compiler::cost::StorageBytes older;
  storages.each([&](StorageId id, const compiler::StorageState& state) {
    older[id] = state.bytes;
    if (state.free && used.contains(id)) uploaded.push_back(id);
  });
  std::ranges::sort(uploaded);
  const compiler::WindowShape shape = compiler::window_shape(w, signatures);
  if (!last_ && !options_.cache_folder.empty()) {
    last_ =
        compiler::PlanCache(options_.cache_folder).nearest(key(shape.structure), shape.elements);
  }
  search_.start({.step = step_to_plan(w, signatures, std::move(uploaded), std::move(older)),
                 .now = now_,
                 .now_fits = plan.rank_bytes > 0 && plan.rank_bytes <= options_.rank_bytes,
                 .pins = options_.schedule.parts[0].pins,
                 .cluster = *options_.cluster,
                 .known = last_});
  last_ = compiler::CachedSearch{.family = key(shape.structure), .elements = shape.elements};
  const bool again = phase_ == Phase::kDone;
  if (again) seen_.clear();  // which are of a script's first steps
  ++searches_;
  form_ = graph::window_hash(w, signatures);
  searched_ = plan.id;
  waited_ = 0;
  next_.clear();
  phase_ = Phase::kSearches;
  note("searching", again ? "steps have other sizes now" : "a training step came again");
}

void PlanChoice::note_whole(const WindowPlan& plan) {
  const std::lock_guard lock(mutex_);
  state_.degrees = to_string(now_);
  if (plan.why_whole.empty()) return;
  const uint64_t calls = plan.ranks.empty() ? 0 : plan.ranks[0].calls.size();
  auto row = std::ranges::find_if(
      state_.whole, [&](const auto& r) { return r.why == plan.why_whole && r.calls == calls; });
  if (row == state_.whole.end()) row = state_.whole.insert(row, {calls, 0, plan.why_whole});
  ++row->runs;
}

// ---- what is found

std::string PlanChoice::key(uint64_t form) const {
  return compiler::plan_key(form, *options_.cluster, options_.schedule.parts[0].pins,
                            "job of " + options_.version + " from " + to_string(first().degrees));
}

// A step that an earlier run has searched.
void PlanChoice::look_up(uint64_t form) {
  seen_.push_back(form);
  if (options_.cache_folder.empty()) return;
  const auto kept = compiler::PlanCache(options_.cache_folder).find(key(form));
  if (kept && kept->plans.front().degrees.ranks() == options_.ranks) judge(*kept, "kept");
}

void PlanChoice::take_finding() {
  std::optional<Finding> finding = search_.take();
  if (!finding) return;
  if (!finding->status.ok()) {
    phase_ = Phase::kDone;
    return note("stays", finding->status.message());
  }
  finding->search.family = last_->family;
  finding->search.elements = last_->elements;
  keep(*finding);
  tell(*finding);
  judge(std::move(finding->search), "found");
  if (!finding->begun_with) return;
  const std::string with = to_string(*finding->begun_with);
  say("The search of a plan began with " + with + ", found for other sizes.");
  const std::lock_guard lock(mutex_);
  state_.why += "; the search began with " + with + ", found for other sizes";
}

// The forms that came before are those of a script's first steps: with them its next run begins.
void PlanChoice::keep(const Finding& finding) const {
  if (options_.cache_folder.empty()) return;
  std::vector<uint64_t> forms = seen_;
  forms.push_back(form_);
  const compiler::PlanCache cache(options_.cache_folder);
  for (const uint64_t form : forms) {
    const Status kept = cache.keep(key(form), finding.search);
    if (!kept.ok()) return log_warning("the plan that was found is not kept: " + kept.message());
  }
}

void PlanChoice::judge(CachedSearch found, const char* how) {
  const CachedSearch& search = last_.emplace(std::move(found));
  const CachedPlan& best = search.plans.front();
  const CachedPlan* now = find(search, now_);
  if (!now) now = find(search, first().degrees);  // since when more had to be shared
  {
    const std::lock_guard lock(mutex_);
    state_.candidates = search.candidates;
    state_.priced = search.priced;
    state_.bound_ns = in_ns(search.lower_bound_s);
    state_.prices.clear();
    for (const CachedPlan& p : search.plans) {
      state_.prices.push_back({to_string(p.degrees), p.fits, in_ns(p.step_s), in_ns(p.exchange_s),
                               static_cast<uint64_t>(p.memory_bytes), in_ns(p.idle_s)});
    }
  }
  phase_ = Phase::kDone;
  if (best.degrees == now_) return note("stays", "no plan is predicted to be faster");
  if (!now) return note("stays", "the plan of the job was not priced");
  const auto faster = [&](const CachedPlan& p) {
    return p.fits && (!now->fits || p.step_s < (1 - kMargin) * now->step_s);
  };
  if (!faster(best)) return note("stays", slower_text(best, *now, kMargin));
  for (const CachedPlan& p : search.plans) {
    if (next_.size() < kTriesMax && faster(p)) next_.push_back(p.degrees);
  }
  phase_ = Phase::kFound;
  take_next();
  note(how, faster_text(best, *now));
}

// False where none is left.
bool PlanChoice::take_next() {
  if (next_.empty()) return false;
  better_ = PlanBook::Options{next_.front(), first().open, options_.rank_bytes};
  next_.pop_front();
  return true;
}

// ---- what is said

void PlanChoice::say(const std::string& text) const {
  if (!options_.quiet) log_info(text);
}

void PlanChoice::tell(const Finding& finding) const {
  if (!options_.tells_search) return;
  for (const std::string& line : search_lines(finding)) say(line);
}

void PlanChoice::note(const char* how, const std::string& why) {
  const std::lock_guard lock(mutex_);
  state_.how = how;
  state_.why = why;
}

session::JobReport::Plan PlanChoice::state() const {
  const std::lock_guard lock(mutex_);
  return state_;
}

}  // namespace moai::driver
