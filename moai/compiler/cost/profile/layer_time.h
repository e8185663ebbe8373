// Seconds of one transformer layer, of the head and of the embedding, for one micro-batch on one
// rank.
#pragma once

#include "moai/cluster/topology.h"
#include "moai/compiler/cost/profile/software_profile.h"
#include "moai/compiler/cost/profile/training_run.h"

namespace moai::compiler::cost {

struct LayerTime {
  double forward = 0;
  double backward = 0;  // recomputation included
};

// `device` has the profile's constants in place of its own.
struct LayerSetting {
  const SoftwareProfile& profile;
  const cluster::Cluster& cluster;
  const cluster::DeviceKind& device;
  const TrainingRun& run;
};

LayerTime layer_time(const LayerSetting& setting);
double head_seconds(const LayerSetting& setting);
double embedding_seconds(const LayerSetting& setting);

}  // namespace moai::compiler::cost
