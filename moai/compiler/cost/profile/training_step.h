// Seconds of a training step of a transformer under a software profile: closed formulas.
//
//   layer    products, scores, element-wise bytes × traffic, collectives of tensor parallelism
//   step     m × slowest stage + what the others fill and drain ÷ virtual stages
//            + transfers + gradients + optimizer
#pragma once

#include "moai/base/status.h"
#include "moai/cluster/topology.h"
#include "moai/compiler/cost/profile/software_profile.h"
#include "moai/compiler/cost/profile/training_run.h"

namespace moai::compiler::cost {

// Seconds; of a layer, a head and an embedding for one micro-batch on one rank.
struct StepParts {
  double layer_forward = 0;
  double layer_backward = 0;  // recomputation included
  double head = 0;
  double embedding = 0;
  double transfers = 0;
  double gradients = 0;  // what is not hidden
  double optimizer = 0;
  double step = 0;
};

// kInvalidArgument where the degrees do not divide the run or are more than the cluster's devices.
Result<StepParts> training_step(const SoftwareProfile& profile, const cluster::Cluster& cluster,
                                const TrainingRun& run);

}  // namespace moai::compiler::cost
