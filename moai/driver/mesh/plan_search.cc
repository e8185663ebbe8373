#include "moai/driver/mesh/plan_search.h"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <limits>
#include <unordered_map>
#include <utility>

#include "moai/base/log.h"
#include "moai/compiler/search/search_plan.h"

namespace moai::driver {
namespace {

using compiler::CachedPlan;

constexpr std::chrono::seconds kPatience{5};
constexpr int kNice = 10;  // the script, and Workers beside it, come first

CachedPlan cached(const compiler::Degrees& degrees, const compiler::StepPrice& p) {
  return {.degrees = degrees,
          .step_s = p.program.step_s,
          .exchange_s = p.slices.exchange_s,
          .memory_bytes = static_cast<double>(p.program.memory_bytes_max),
          .idle_s = p.slices.idle_s};
}

// The plan that the job has, priced as the best one was, whether it fits or not.
Result<CachedPlan> price_now(compiler::SearchProblem problem, const SearchOrder& order,
                             bool as_programs) {
  problem.memory_bytes = std::numeric_limits<double>::max();
  if (!as_programs) problem.whole_nodes_max = 0;
  CachedPlan now;
  const auto found = compiler::price_plan(problem, {.plans = {{.degrees = order.now}}});
  if (found.ok()) {
    now = compiler::to_cached(*found).plans[0];
  } else if (found.status().code() == Code::kNotFound ||
             found.status().code() == Code::kInvalidArgument) {
    // A plan that no search would try.
    const compiler::RecordedStep& step = *problem.step;
    const auto planned =
        compiler::WindowPlanner(step.window,
                                {.uploaded = step.uploaded,
                                 .first_temporary = 1,
                                 .overlaps = problem.cluster->device.overlaps_exchanges},
                                problem.signatures)
            .plan(order.now);
    now = cached(order.now, compiler::price_step(step, planned, order.now, *problem.cluster,
                                                 problem.options, problem.signatures));
  } else {
    return found.status();
  }
  const auto limit = static_cast<double>(order.cluster.device.memory_bytes);
  now.fits = order.now_fits || now.memory_bytes <= limit;
  return now;
}

// Whether the plan that the job has is among those that were found, priced as the best one was.
bool has_now(const compiler::SearchResult& found, const compiler::Degrees& now) {
  if (found.best.degrees == now) return true;
  const auto at = std::ranges::find(found.alternatives, now, &compiler::FoundPlan::degrees);
  return at != found.alternatives.end() && at->whole == found.best.whole && at->fits;
}

// Best first: what fits by its seconds.
bool before(const CachedPlan& a, const CachedPlan& b) {
  if (a.fits != b.fits) return a.fits;
  return a.fits ? a.step_s < b.step_s : a.memory_bytes < b.memory_bytes;
}

Finding search(const SearchOrder& order, const std::atomic<bool>& stopped) {
  Finding out;
  const compiler::RecordedStep& step = order.step.step;
  graph::SignatureTable* signatures = order.step.signatures.get();
  compiler::SearchProblem problem{
      .step = &step, .cluster = &order.cluster, .signatures = signatures, .pins = order.pins};
  if (order.known) problem.known = &*order.known;
  problem.threads = 1;  // the script and its Workers may need the processors
  problem.stopped = [&] { return stopped.load(); };
  const auto found = compiler::search_plan(problem);
  out.status = found.status();
  if (!found.ok()) return out;
  out.search = compiler::to_cached(*found);
  if (!has_now(*found, order.now)) {
    if (stopped) out.status = cancelled("[driver.search] the job has ended");
    if (stopped) return out;
    auto now = price_now(problem, order, found->best.whole);
    out.status = now.status();
    if (!now.ok()) return out;
    std::vector<CachedPlan>& plans = out.search.plans;
    std::erase_if(plans, [&](const CachedPlan& p) { return p.degrees == order.now; });
    plans.insert(std::ranges::upper_bound(plans, *now, before), std::move(*now));
  }
  out.fitting = found->fitting;
  out.begun_with = found->begun_with;
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
