#include "moai/compiler/schedule/idle.h"

#include <algorithm>
#include <utility>

#include "moai/compiler/schedule/order.h"

namespace moai::compiler::schedule {
namespace {

class Gaps {
 public:
  Gaps(const Schedule& schedule, const Costs& costs, const Simulation& simulation)
      : schedule_(schedule),
        costs_(costs),
        simulation_(simulation),
        forward_end_(schedule.stages() * schedule.micro_batches),
        gradient_end_(forward_end_) {
    for (size_t d = 0; d < schedule.devices(); ++d) {
      for (size_t i = 0; i < schedule.order[d].size(); ++i) {
        const Task& task = schedule.order[d][i];
        if (task.kind != Kind::kWeightGradient) end_of(task) = simulation.spans[d][i].end_s;
      }
    }
  }

  std::vector<Idle> take() && {
    for (uint32_t d = 0; d < schedule_.devices(); ++d) {
      double free = 0;
      std::optional<Task> before;
      for (size_t i = 0; i < schedule_.order[d].size(); ++i) {
        const Task& task = schedule_.order[d][i];
        gap(d, {free, simulation_.spans[d][i].begin_s}, before, task);
        free = simulation_.spans[d][i].end_s;
        before = task;
      }
      add({d, {free, simulation_.makespan_s}, Cause::kFinished, std::nullopt, std::nullopt});
    }
    return std::move(idle_);
  }

 private:
  double& end_of(const Task& task) {
    std::vector<double>& ends = task.kind == Kind::kForward ? forward_end_ : gradient_end_;
    return ends[size_t{task.stage} * schedule_.micro_batches + task.micro_batch];
  }

  void gap(uint32_t d, Span span, const std::optional<Task>& before, const Task& next) {
    if (costs_.transfer == Transfer::kSender && before) {
      const double sent = span.begin_s + transfer_out_s(schedule_, costs_, *before);
      add({d, {span.begin_s, std::min(sent, span.end_s)}, Cause::kTransfer, before, next});
      span.begin_s = std::max(span.begin_s, sent);
    }
    const std::optional<Task> needed = dependency_of(next, schedule_.stages());
    if (!needed) return;
    const double end = end_of(*needed);
    add({d, {span.begin_s, std::min(end, span.end_s)}, Cause::kTask, needed, next});
    add({d, {std::max(end, span.begin_s), span.end_s}, Cause::kTransfer, needed, next});
  }

  void add(const Idle& idle) {
    // Below this a gap is the rounding of a sum.
    const double least = 1e-12 * simulation_.makespan_s;
    if (idle.span.end_s - idle.span.begin_s > least) idle_.push_back(idle);
  }

  const Schedule& schedule_;
  const Costs& costs_;
  const Simulation& simulation_;
  std::vector<double> forward_end_;
  std::vector<double> gradient_end_;
  std::vector<Idle> idle_;
};

}  // namespace

std::vector<Idle> idle_spans(const Schedule& schedule, const Costs& costs,
                             const Simulation& simulation) {
  return Gaps(schedule, costs, simulation).take();
}

}  // namespace moai::compiler::schedule
