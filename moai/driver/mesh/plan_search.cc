#include "moai/driver/mesh/plan_search.h"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <unordered_map>
#include <utility>

#include "moai/base/log.h"
#include "moai/compiler/search/search_plan.h"

namespace moai::driver {
namespace {

using compiler::CachedPlan;

constexpr std::chrono::seconds kPatience{5};
constexpr int kNice = 10;  // the script, and Workers beside it, come first

// The plan that the job has, priced as the best one was.
Result<CachedPlan> price_now(const compiler::SearchProblem& problem, const compiler::Degrees& now) {
  if (now.pp > 1 || now.microbatches > 1 || now.recompute != compiler::Recompute::kNone) {
    const auto found = compiler::price_plan(problem, {.plans = {{.degrees = now}}});
    if (found.ok()) return compiler::to_cached(*found).plans[0];
    // One that does not fit, or that no search would try, is priced as its programs.
    const Code code = found.status().code();
    const bool untried = code == Code::kResourceExhausted || code == Code::kNotFound ||
                         code == Code::kInvalidArgument;
    if (!untried) return found.status();
  }
  const compiler::RecordedStep& step = *problem.step;
  const auto planned =
      compiler::plan_window(step.window, step.uploaded, now, 1, problem.signatures);
  const compiler::StepPrice p = compiler::price_step(step, planned, now, *problem.cluster,
                                                     problem.options, problem.signatures);
  return CachedPlan{.degrees = now,
                    .step_s = p.program.step_s,
                    .exchange_s = p.slices.exchange_s,
                    .memory_bytes = static_cast<double>(p.program.memory_bytes_max),
                    .fits = p.fits(*problem.cluster),
                    .idle_s = p.slices.idle_s};
}

// Stages, micro-batches and recomputation stay what the job begins with; with stages all does.
compiler::Pins pins_of_search(const SearchOrder& order) {
  if (order.now.pp > 1) return compiler::pins_of(order.now);
  compiler::Pins pins = order.pins;
  pins.pp = 1;
  pins.microbatches = order.now.microbatches;
  pins.recompute = order.now.recompute;
  return pins;
}

Finding search(const SearchOrder& order, const std::atomic<bool>& stopped) {
  Finding out;
  const compiler::RecordedStep& step = order.step.step;
  graph::SignatureTable* signatures = order.step.signatures.get();
  compiler::SearchProblem problem{.step = &step,
                                  .cluster = &order.cluster,
                                  .signatures = signatures,
                                  .pins = pins_of_search(order)};
  problem.stopped = [&] { return stopped.load(); };
  const auto found = compiler::search_plan(problem);
  out.status = found.status();
  if (!found.ok()) return out;
  out.search = compiler::to_cached(*found);
  const auto has = [&](const CachedPlan& p) { return p.degrees == order.now; };
  if (std::ranges::none_of(out.search.plans, has)) {
    if (stopped) out.status = cancelled("[driver.search] the job has ended");
    if (stopped) return out;
    auto now = price_now(problem, order.now);
    out.status = now.status();
    if (!now.ok()) return out;
    out.search.plans.push_back(std::move(*now));
  }
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

PlanSearch::~PlanSearch() {
  stop();
  end();
}

void PlanSearch::run(const SearchOrder& order) {
  if (::setpriority(PRIO_PROCESS, static_cast<id_t>(::gettid()), kNice) != 0) {
    log_debug("[driver.search] its thread has the priority of the others");
  }
  Finding found = search(order, stopped_);
  const std::lock_guard lock(mutex_);
  finding_ = std::move(found);
  running_ = false;
  over_.notify_all();
}

void PlanSearch::start(SearchOrder order) {
  if (thread_.joinable()) thread_.join();
  if (stopped_) return;
  {
    const std::lock_guard lock(mutex_);
    running_ = true;
  }
  thread_ = std::thread([this, order = std::move(order)] { run(order); });
}

bool PlanSearch::running() const {
  const std::lock_guard lock(mutex_);
  return running_;
}

std::optional<Finding> PlanSearch::take() {
  const std::lock_guard lock(mutex_);
  return std::exchange(finding_, std::nullopt);
}

void PlanSearch::end() {
  if (!thread_.joinable()) return;
  {
    std::unique_lock lock(mutex_);
    if (!over_.wait_for(lock, kPatience, [this] { return !running_; })) {
      log_warning("the script ends when the search of its plan has, which takes long");
    }
  }
  thread_.join();
}

}  // namespace moai::driver
