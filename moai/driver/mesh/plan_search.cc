#include "moai/driver/mesh/plan_search.h"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <unordered_map>
#include <utility>

#include "moai/base/log.h"
#include "moai/compiler/search/search_step.h"

namespace moai::driver {
namespace {

using compiler::CachedPlan;

constexpr std::chrono::seconds kEndMax{5};
constexpr int kNice = 10;  // the script, and Workers beside it, come first

CachedPlan as_cached(const compiler::FoundPlan& p) {
  return {p.degrees,       p.price.step_s, p.price.exchange_s, p.price.memory_bytes,
          p.lower_bound_s, p.fits};
}

// The plan that the job has, priced as the best one was: with all layers.
CachedPlan price_now(const SearchOrder& order, const compiler::PriceOptions& options) {
  const compiler::RecordedStep& step = order.step.step;
  graph::SignatureTable* signatures = order.step.signatures.get();
  const auto planned = compiler::plan_window(step.window, step.uploaded, order.now, 1, signatures);
  const compiler::StepPrice p =
      compiler::price_step(step, planned, order.now, order.cluster, options, signatures);
  return {.degrees = order.now,
          .step_s = p.program.step_s,
          .exchange_s = p.slices.exchange_s,
          .memory_bytes = static_cast<double>(p.program.memory_bytes_max),
          .fits = p.fits(order.cluster)};
}

Finding search(const SearchOrder& order, const std::atomic<bool>& stopped) {
  Finding out;
  const compiler::RecordedStep& step = order.step.step;
  graph::SignatureTable* signatures = order.step.signatures.get();
  const compiler::PriceOptions options;
  compiler::SearchProblem problem =
      compiler::search_problem(step, order.cluster, order.pins, options, signatures);
  problem.stopped = [&] { return stopped.load(); };
  const auto found = compiler::search_plan(problem);
  out.status = found.status();
  if (!found.ok()) return out;
  out.search.plans.push_back(as_cached(found->best));
  for (const auto& p : found->alternatives) out.search.plans.push_back(as_cached(p));
  const auto has = [&](const CachedPlan& p) { return p.degrees == order.now; };
  if (std::ranges::none_of(out.search.plans, has)) {
    out.search.plans.push_back(price_now(order, options));
  }
  out.search.lower_bound_s = found->lower_bound_s;
  out.search.candidates = found->candidates;
  out.search.priced = found->priced;
  out.fitting = found->fitting;
  out.search_s = found->search_s;
  out.confirm_s = found->confirm_s;
  return out;
}

}  // namespace

StepToPlan step_to_plan(const graph::Window& w, const graph::SignatureTable& signatures,
                        std::vector<graph::StorageId> uploaded,
                        compiler::cost::StorageBytes older) {
  StepToPlan out{std::make_unique<graph::SignatureTable>(),
                 {.window = w, .uploaded = std::move(uploaded), .older = std::move(older)}};
  std::unordered_map<graph::SignatureId, graph::SignatureId> known;
  for (graph::Node& n : out.step.window.nodes) {
    if (n.kind != graph::NodeKind::kCall) continue;
    const auto [found, is_new] = known.try_emplace(n.signature);
    if (is_new) found->second = out.signatures->intern(signatures.at(n.signature).signature());
    n.signature = found->second;
  }
  return out;
}

struct PlanSearch::State {
  std::mutex mutex;
  std::condition_variable over;
  bool running = false;            // guarded by mutex
  std::optional<Finding> finding;  // guarded by mutex
  std::atomic<bool> stopped{false};

  void run(const SearchOrder& order) {
    const auto self = static_cast<id_t>(::gettid());
    if (::setpriority(PRIO_PROCESS, self, kNice) != 0) {
      log_debug("[driver.search] its thread has the priority of the others");
    }
    Finding found = search(order, stopped);
    const std::lock_guard lock(mutex);
    finding = std::move(found);
    running = false;
    over.notify_all();
  }
};

PlanSearch::PlanSearch() : state_(std::make_shared<State>()) {}

PlanSearch::~PlanSearch() {
  stop();
  end();
}

void PlanSearch::start(SearchOrder order) {
  if (thread_.joinable()) thread_.join();
  if (state_->stopped) return;
  {
    const std::lock_guard lock(state_->mutex);
    state_->running = true;
  }
  thread_ = std::thread([state = state_, order = std::move(order)] { state->run(order); });
}

bool PlanSearch::running() const {
  const std::lock_guard lock(state_->mutex);
  return state_->running;
}

std::optional<Finding> PlanSearch::take() {
  const std::lock_guard lock(state_->mutex);
  return std::exchange(state_->finding, std::nullopt);
}

void PlanSearch::stop() { state_->stopped = true; }

void PlanSearch::end() {
  if (!thread_.joinable()) return;
  bool over = false;
  {
    std::unique_lock lock(state_->mutex);
    over = state_->over.wait_for(lock, kEndMax, [this] { return !state_->running; });
  }
  if (over) return thread_.join();
  log_warning("[driver.search] the search of a plan did not end in time and is left to itself");
  thread_.detach();
}

}  // namespace moai::driver
