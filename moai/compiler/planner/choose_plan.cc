#include "moai/compiler/planner/choose_plan.h"

#include <algorithm>
#include <unordered_map>

#include "moai/compiler/cost/call_work.h"

namespace moai::compiler {
namespace {

bool allows(const std::optional<int>& pin, int value) { return !pin || *pin == value; }

}  // namespace

std::vector<Degrees> every_degrees(int devices, const Pins& pins, bool sequence) {
  std::vector<Degrees> all;
  if (!allows(pins.pp, 1)) return all;  // stages are chosen by nobody yet
  for (int tp = 1; tp <= devices; ++tp) {
    const int cp = pins.cp.value_or(1), dp = devices / tp / cp;
    if (dp * tp * cp != devices || !allows(pins.dp, dp) || !allows(pins.tp, tp)) continue;
    for (int zero = 0; zero <= (dp * cp > 1 ? 3 : 0); ++zero) {
      if (!allows(pins.zero, zero)) continue;
      for (const bool sp : {false, true}) {
        if (allows(pins.sp, sp ? 1 : 0) && (!sp || (tp > 1 && cp == 1 && sequence))) {
          all.push_back({.dp = dp,
                         .tp = tp,
                         .zero = zero,
                         .sp = sp,
                         .cp = cp,
                         .microbatches = pins.microbatches.value_or(1),
                         .recompute = pins.recompute.value_or(Recompute::kNone)});
        }
      }
    }
  }
  return all;
}

Ideal ideal_step(const graph::Window& window, const graph::SignatureTable& signatures,
                 const cluster::Cluster& cluster, const cost::KernelOptions& options) {
  cluster::DeviceKind device = cluster.device;
  device.fitted.launch_s = 0;
  device.fitted.gemm_ramp = 0;
  std::unordered_map<graph::SignatureId, Ideal> known;
  Ideal sum;
  for (const graph::Node& n : window.nodes) {
    if (n.kind != graph::NodeKind::kCall) continue;
    const auto [found, is_new] = known.try_emplace(n.signature);
    if (is_new) {
      const cost::CallWork work = cost::call_work(signatures.at(n.signature).signature());
      found->second = {cost::call_seconds(device, work, options),
                       work.flops / cluster::peak_flops(device, work.dtype, options.allow_tf32)};
    }
    sum.lower_bound_s += found->second.lower_bound_s / cluster.devices();
    sum.peak_s += found->second.peak_s / cluster.devices();
  }
  return sum;
}

Result<PlanChoice> choose_plan(const RecordedStep& step, const cluster::Cluster& cluster,
                               const Pins& pins, const PriceOptions& options,
                               graph::SignatureTable* signatures) {
  WindowPlanner planner(step.window,
                        PlannerInput{.uploaded = step.uploaded,
                                     .first_temporary = 1,
                                     .overlaps = cluster.device.overlaps_exchanges &&
                                                 options.overlap == cost::Overlap{}},
                        signatures);
  const auto price = [&](const PlannedWindow& w, const Degrees& d) {
    return price_step(step, w, d, cluster, options, signatures);
  };
  const std::vector<Degrees> all =
      every_degrees(cluster.devices(), pins, !planner.roles().sequence.empty());
  if (all.empty()) {
    return invalid_argument(
        "[planner.choice] no plan for " + std::to_string(cluster.devices()) + " devices has " +
        to_string(pins) + "; dp × tp × cp must be the number of devices, and zero needs dp or cp");
  }
  PlanChoice choice{.one_device = price(planner.plan(Degrees{}), Degrees{}),
                    .ideal = ideal_step(step.window, *signatures, cluster, options.kernels)};
  const auto before = [&](const StepPrice& a, const StepPrice& b) {
    if (a.fits(cluster) != b.fits(cluster)) return a.fits(cluster);
    return a.fits(cluster) ? a.program.step_s < b.program.step_s
                           : a.program.memory_bytes_max < b.program.memory_bytes_max;
  };
  for (const Degrees& d : all) {
    PlannedWindow window = planner.plan(d);
    StepPrice priced = price(window, d);
    priced.program.nodes.clear();
    if (choice.plans.empty() || before(priced, choice.plans.front())) {
      choice.best = std::move(window);
    }
    const auto place = std::ranges::upper_bound(choice.plans, priced, before);
    choice.plans.insert(place, std::move(priced));
  }
  return choice;
}

}  // namespace moai::compiler
