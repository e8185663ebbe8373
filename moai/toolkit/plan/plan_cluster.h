// The devices that a plan is made for: a file's, or a flavor's of this site.
#pragma once

#include <string>

#include "moai/cluster/topology.h"
#include "moai/compiler/planner/step_price.h"
#include "moai/toolkit/command.h"

namespace moai::toolkit {

struct ClusterChoice {
  std::string cluster{};  // FILE:N; empty: a flavor's devices
  std::string flavor{};   // a name or number; empty: that of the default accelerator
  std::string profile{};  // how another stack runs; empty: as we do
};

// A flavor says how many devices and how much memory; how fast they are says the site's description
// (MOAI_CLUSTER, else /etc/moreh/cluster.toml).
Result<cluster::Cluster> chosen_cluster(const ClusterChoice& choice, Context& context);

// How that software runs: ours has nothing beside a collective.
Result<compiler::PriceOptions> price_options(const ClusterChoice& choice);

}  // namespace moai::toolkit
