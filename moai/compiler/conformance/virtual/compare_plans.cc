#include "moai/compiler/conformance/virtual/compare_plans.h"

#include "moai/compiler/planner/choose_plan.h"
#include "moai/compiler/search/search_plan.h"

namespace moai::compiler {
namespace {

Result<std::vector<ClassShift>> shifted(const ComparedPlan& plan, const VirtualRun& run,
                                        const EmittedStep& step, const device::TimeTable& times,
                                        const cluster::Cluster& cluster,
                                        const graph::SignatureTable& signatures) {
  std::vector<ClassShift> shifts;
  for (const auto& [of_class, seconds] : run.class_s) {
    for (const double factor : {0.8, 1.2}) {
      device::TimeTable other = times;
      other.scale(of_class, factor);
      VirtualMachine machine(&other, &cluster, &signatures);
      MOAI_ASSIGN_OR_RETURN(const VirtualRun again, machine.run(step));
      shifts.push_back({.of_class = of_class,
                        .factor = factor,
                        .share = seconds / run.step_s,
                        .error = plan.predicted_s / again.step_s - 1});
    }
  }
  return shifts;
}

}  // namespace

Result<PlanComparison> compare_plans(Model* model, const device::TimeTable& times,
                                     const cluster::Cluster& cluster) {
  WindowPlanner planner(model->step.window,
                        {.uploaded = model->step.uploaded,
                         .first_temporary = 1,
                         .overlaps = cluster.device.overlaps_exchanges},
                        &model->signatures);
  VirtualMachine machine(&times, &cluster, &model->signatures);
  const PriceOptions options;
  // What the virtual machine runs: one stage, and all of a batch at once.
  const Pins pins{.pp = 1, .microbatches = 1, .recompute = Recompute::kNone};
  MOAI_ASSIGN_OR_RETURN(const SearchResult found, search_plan({.step = &model->step,
                                                               .cluster = &cluster,
                                                               .signatures = &model->signatures,
                                                               .pins = pins,
                                                               .options = options}));
  PlanComparison out;
  for (const Degrees& d : every_degrees(cluster.devices(), {}, !planner.roles().sequence.empty())) {
    const PlannedWindow planned = planner.plan(d);
    const EmittedStep step = emit_step(planned, &model->signatures);
    const Result<VirtualRun> played = machine.run(step);
    if (!played.ok()) return internal_error(to_string(d) + ": " + played.status().message());
    const VirtualRun& run = *played;
    const ComparedPlan plan{
        .degrees = d,
        .predicted_s = price_step(model->step, planned, d, cluster, options, &model->signatures)
                           .program.step_s,
        .simulated_s = run.step_s};
    if (out.plans++ == 0 || plan.simulated_s < out.best.simulated_s) out.best = plan;
    if (out.plans == 1 || std::abs(plan.error()) > std::abs(out.worst.error())) out.worst = plan;
    if (d != found.best.degrees) continue;
    out.chosen = plan;
    MOAI_ASSIGN_OR_RETURN(out.shifts, shifted(plan, run, step, times, cluster, model->signatures));
  }
  return out;
}

}  // namespace moai::compiler
