// Cluster: equal nodes of equal devices, and what connects them.
//
// Devices are numbered node by node; two of one package stand side by side.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "moai/base/status.h"
#include "moai/cluster/device_kind.h"

namespace moai::cluster {

// What one device sends in one direction. A message of `half_peak_bytes` reaches half of it.
struct Link {
  double latency_s = 0;
  double bytes_per_s = 0;
  double half_peak_bytes = 0;

  bool operator==(const Link&) const = default;
};

enum class Collective : uint8_t {
  kAllGather = 0,
  kReduceScatter = 1,
  kAllReduce = 2,
  kAllToAll = 3,
  kSend = 4,
};
std::string_view collective_name(Collective kind);

// The ranks of a group: so many on each of so many nodes. Strided when they are not neighbours
// within their node; other groups of the same kind then talk at the same time.
// Groups that do not fill their nodes evenly have the ranks of the node with fewest, their size,
// and how many of them leave one node together.
struct GroupShape {
  int ranks_per_node = 1;
  int nodes = 1;
  bool strided = false;
  int uneven_size = 0;     // 0: each node has as many
  int groups_leaving = 0;  // a node; 0: as many as the node's devices make up

  int ranks() const { return uneven_size ? uneven_size : ranks_per_node * nodes; }
  bool operator==(const GroupShape&) const = default;
};

// α-β of one collective over one shape of group, measured; what is absent comes from the links.
// Bytes are those of the whole tensor: of what all-gather returns, of what a rank gives to
// all-to-all. All-gather's row is that of reduce-scatter too where there is none.
struct MeasuredCollective {
  Collective kind = Collective::kAllReduce;
  GroupShape shape{};
  std::optional<double> latency_s{};
  std::optional<double> bytes_per_s{};
  // Measured (bytes, seconds), ascending; they come before the line.
  std::vector<std::pair<double, double>> points{};
  // More for each byte that a rank touches and that lies beyond the caches which processors share.
  double far_byte_s = 0;

  bool operator==(const MeasuredCollective&) const = default;
};

// Devices that share a package and have a link of their own (the two dies of a module).
struct Package {
  int devices = 2;
  Link link{};

  bool operator==(const Package&) const = default;
};

// Between nodes. `link` is what one device reaches alone; all devices of a node together have
// `node_bytes_per_s`.
struct Network {
  Link link{};
  double node_bytes_per_s = 0;

  bool operator==(const Network&) const = default;
};

struct Cluster {
  std::string name{};
  int nodes = 1;
  int devices_per_node = 1;
  DeviceKind device{};
  // Of each device of a node, in parts of the figures above; empty: all have those.
  std::vector<double> speeds{};
  std::optional<Package> package{};
  Link node_link{};
  std::optional<Network> network{};  // there is one where nodes > 1
  std::vector<MeasuredCollective> measured{};

  int devices() const { return nodes * devices_per_node; }
  double speed(int number) const {
    return speeds.empty() ? 1 : speeds[static_cast<size_t>(number % devices_per_node)];
  }
  double slowest() const { return speeds.empty() ? 1 : *std::ranges::min_element(speeds); }
  bool operator==(const Cluster&) const = default;
};

// The shape of the groups that a mesh axis of `size` makes whose neighbours are `stride` devices
// apart. Where stride and size do not divide the node evenly, the shape with most nodes.
GroupShape axis_shape(const Cluster& cluster, int stride, int size);

// This cluster with so many devices: part of one node, or whole nodes.
Result<Cluster> with_devices(Cluster cluster, int devices);

}  // namespace moai::cluster
