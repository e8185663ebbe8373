// The choice of a plan: every combination of degrees is laid out and priced.
#pragma once

#include <vector>

#include "moai/compiler/planner/pins.h"
#include "moai/compiler/planner/step_price.h"

namespace moai::compiler {

// All degrees that use `devices` devices; none where the pins leave none. `sequence`: whether there
// is one that tensor parallel may share.
std::vector<Degrees> every_degrees(int devices, const Pins& pins, bool sequence);

struct Ideal {
  // A step whose calls share their work evenly among the devices, with no launch, nothing
  // exchanged: no plan is faster.
  double lower_bound_s = 0;
  // Its products at the peak of all devices; with the step's seconds the model FLOPs utilization.
  double peak_s = 0;
};
Ideal ideal_step(const graph::Window& window, const graph::SignatureTable& signatures,
                 const cluster::Cluster& cluster, const cost::KernelOptions& options);

struct PlanChoice {
  std::vector<StepPrice> plans{};  // best first; those that need more memory than there is last
  StepPrice one_device{};
  Ideal ideal{};
  PlannedWindow best{};
};

// INVALID_ARGUMENT where the pins leave no plan.
Result<PlanChoice> choose_plan(const RecordedStep& step, const cluster::Cluster& cluster,
                               const Pins& pins, const PriceOptions& options,
                               graph::SignatureTable* signatures);

}  // namespace moai::compiler
