#include "moai/cluster/topology.h"

#include <algorithm>
#include <map>
#include <string>

namespace moai::cluster {

std::string_view collective_name(Collective kind) {
  constexpr std::string_view kNames[] = {"all_gather", "reduce_scatter", "all_reduce", "all_to_all",
                                         "send"};
  return kNames[static_cast<size_t>(kind)];
}

namespace {

// How many ranks of a group are on each node, by number of the node.
std::map<int, int> by_node(const Cluster& c, int first, int stride, int size) {
  std::map<int, int> ranks;
  for (int k = 0; k < size; ++k) ++ranks[(first + k * stride) / c.devices_per_node];
  return ranks;
}

// Of groups that nodes' borders cut in different ways: the one that is slowest.
GroupShape uneven_shape(const Cluster& c, int stride, int size) {
  GroupShape worst{.strided = stride > 1, .uneven_size = size};
  std::map<int, int> leaving;  // groups, by node
  for (int device = 0; device < c.devices(); ++device) {
    if (device / stride % size != 0) continue;  // not the first of its group
    const std::map<int, int> ranks = by_node(c, device, stride, size);
    int fewest = size;
    for (const auto& [node, count] : ranks) {
      fewest = std::min(fewest, count);
      if (ranks.size() > 1) worst.groups_leaving = std::max(worst.groups_leaving, ++leaving[node]);
    }
    const int nodes = static_cast<int>(ranks.size());
    if (nodes < worst.nodes || (nodes == worst.nodes && fewest > worst.ranks_per_node)) continue;
    worst.nodes = nodes;
    worst.ranks_per_node = fewest;
  }
  return worst;
}

}  // namespace

GroupShape axis_shape(const Cluster& cluster, int stride, int size) {
  const int node = cluster.devices_per_node;
  const int span = stride * size;
  const bool even =
      node % span == 0 || (span % node == 0 && (node % stride == 0 || stride % node == 0));
  if (!even && cluster.nodes > 1 && cluster.devices() % span == 0) {
    return uneven_shape(cluster, stride, size);
  }
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
