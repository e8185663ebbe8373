#include "moai/toolkit/plan/plan_report.h"

#include <algorithm>
#include <cstdio>

#include "moai/compiler/planner/unshared.h"
#include "moai/toolkit/plan/quantities.h"

namespace moai::toolkit {
namespace {

using compiler::StepPrice;

// From this part of a step on, what fills it is what binds.
constexpr double kMuch = 0.4;
// More than this times its share is not shared well.
constexpr double kShared = 1.25;

std::string times_text(double ratio) {
  char text[32];
  std::snprintf(text, sizeof text, "%.2f", ratio);
  return text;
}

std::string percent_text(double part) {
  char text[32];
  std::snprintf(text, sizeof text, "%.0f %%", part * 100);
  return text;
}

}  // namespace

std::vector<Part> waterfall(const StepPrice& p) {
  return {{"forward", p.slices.forward_s},
          {"backward", p.slices.backward_s},
          {"optimizer", p.slices.optimizer_s},
          {"collectives", p.slices.exchange_s},
          {"waiting", p.slices.idle_s}};
}

std::vector<MemoryPart> memory_parts(const compiler::RoleBytes& fullest) {
  return {{"weights", "weight_bytes", fullest.parameters},
          {"optimizer state", "state_bytes", fullest.state},
          {"gradients", "gradient_bytes", fullest.gradients},
          {"data", "data_bytes", fullest.data},
          {"activations", "activation_bytes", fullest.others},
          {"workspace", "workspace_bytes", fullest.workspace}};
}

std::string plan_text(const compiler::Degrees& d) {
  std::string text = "dp " + std::to_string(d.dp) + " · tp " + std::to_string(d.tp) + " · zero " +
                     std::to_string(d.zero);
  if (d.sp) text += " · sp";
  if (d.cp > 1) text += " · cp " + std::to_string(d.cp);
  if (d.pp > 1) text += " · pp " + std::to_string(d.pp) + " (" + to_string(d.schedule) + ")";
  if (d.microbatches > 1) text += " · micro-batches " + std::to_string(d.microbatches);
  if (d.recompute != compiler::Recompute::kNone) {
    text += " · recompute " + std::string(compiler::name(d.recompute));
  }
  return text;
}

double utilization(const PlanReport& r) {
  const double step_s = r.best().program.step_s;
  return step_s > 0 ? r.ideal.peak_s / step_s : 0;
}

std::string binding_constraint(const PlanReport& r) {
  const StepPrice& best = r.best();
  for (const compiler::FoundPlan& p : r.found.alternatives) {
    if (p.fits || p.price.step_s >= best.program.step_s) continue;
    return "memory: " + plan_text(p.degrees) + " would take " + seconds_text(p.price.step_s) +
           " but needs " + bytes_text(static_cast<uint64_t>(p.price.memory_bytes)) + " a device";
  }
  const double waiting = best.slices.idle_s / best.program.step_s;
  if (waiting > kMuch) {
    return "stages: they wait for each other for " + percent_text(waiting) + " of the step";
  }
  const double exchange = best.slices.exchange_s / best.program.step_s;
  if (exchange > kMuch) return "links: collectives take " + percent_text(exchange) + " of the step";
  const double launches = static_cast<double>(best.program.calls) *
                          r.cluster.device.fitted.launch_s / best.program.step_s;
  if (launches > kMuch) {
    return "launches: " + std::to_string(best.program.calls) + " calls of at least " +
           seconds_text(r.cluster.device.fitted.launch_s) + " take " + percent_text(launches) +
           " of the step";
  }
  return "devices: their calls take " + percent_text(1 - exchange - waiting) + " of the step";
}

std::vector<std::string> notes(const PlanReport& r) {
  std::vector<std::string> all;
  const compiler::Degrees& degrees = r.best().degrees;
  const std::string unshared = compiler::unshared_context(degrees, r.found.sequence);
  if (!unshared.empty()) all.push_back(unshared);
  if (r.samples == 0 && r.cluster.devices() > degrees.cp) {
    all.push_back(
        "no batch was recognized, so that dp shares no work: a call needs all samples at once, or "
        "the batch has one");
    return all;
  }
  const StepPrice& best = r.best();
  if (!r.found.best.whole) {
    const bool folded = r.found.layers_priced < r.found.layers;
    all.push_back("priced from the calls of one micro-batch" +
                  (folded ? " and " + std::to_string(r.found.layers_priced) + " of " +
                                std::to_string(r.found.layers) + " equal layers"
                          : std::string()) +
                  ", in the order of the simulated schedule");
  }
  if (r.found.microbatches != best.degrees.microbatches) {
    all.push_back("a batch has " + std::to_string(r.found.microbatches) +
                  " micro-batches: it must be a multiple of their number");
  }
  if (!r.found.in_time.ok()) {
    all.push_back("micro-batches and recomputation are left out: " + r.found.in_time.message());
  }
  for (const compiler::TimeBarrier& b : r.found.barriers) {
    all.push_back("micro-batches wait for each other at " + b.op + ", " + line_text(r, b.line) +
                  ", which needs all of a batch: up to there each keeps its activations");
  }
  if (best.degrees.dp > 1 && r.samples_together < best.degrees.dp) {
    all.push_back("a batch has " + std::to_string(r.samples_together) +
                  " samples, fewer than dp: every device computes all of them");
    return all;
  }
  const double share = r.found.one_device.program.flops / best.degrees.ranks();
  if (best.program.flops > kShared * share) {
    all.push_back("a device computes " + times_text(best.program.flops / share) +
                  " times its share of the products: what draws (dropout, data that is made on the "
                  "device) is whole on every device, and so may be what reads it");
  }
  return all;
}

std::string line_text(const PlanReport& r, graph::LineId line) {
  return line < r.lines.size() && !r.lines[line].empty() ? r.lines[line] : "-";
}

}  // namespace moai::toolkit
