#include "moai/cluster/topology.h"

#include <algorithm>
#include <string>

namespace moai::cluster {

std::string_view collective_name(Collective kind) {
  constexpr std::string_view kNames[] = {"all_gather", "reduce_scatter", "all_reduce", "all_to_all",
                                         "send"};
  return kNames[static_cast<size_t>(kind)];
}

GroupShape axis_shape(const Cluster& cluster, int stride, int size) {
  const int in_node = std::clamp(cluster.devices_per_node / std::max(stride, 1), 1, size);
  const int nodes = (size + in_node - 1) / in_node;
  // A group that does not fill its nodes evenly waits for the node that has most of it.
  return {.ranks_per_node = (size + nodes - 1) / nodes,
          .nodes = nodes,
          .strided = stride > 1 && in_node > 1};
}

Result<Cluster> with_devices(Cluster cluster, int devices) {
  const int node = cluster.devices_per_node;
  if (devices < 1 || devices > cluster.devices()) {
    return invalid_argument("[cluster.size] " + cluster.name + " has " +
                            std::to_string(cluster.devices()) + " devices, not " +
                            std::to_string(devices) + "; ask for 1 to " +
                            std::to_string(cluster.devices()));
  }
  if (devices > node && devices % node != 0) {
    const int fewer = devices / node * node;
    return invalid_argument("[cluster.size] " + std::to_string(devices) +
                            " devices are no whole nodes of " + std::to_string(node) +
                            "; ask for " + std::to_string(fewer) + " or " +
                            std::to_string(fewer + node));
  }
  cluster.nodes = std::max(1, devices / node);
  cluster.devices_per_node = std::min(devices, node);
  if (!cluster.speeds.empty()) {
    cluster.speeds.resize(static_cast<size_t>(cluster.devices_per_node));
  }
  return cluster;
}

}  // namespace moai::cluster
