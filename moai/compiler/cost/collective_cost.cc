#include "moai/compiler/cost/collective_cost.h"

#include <algorithm>
#include <optional>

namespace moai::compiler::cost {
namespace {

using cluster::Cluster;
using cluster::Collective;
using cluster::GroupShape;
using cluster::Link;
using cluster::MeasuredCollective;

// seconds = latency_s + bytes ÷ bytes_per_s
struct Line {
  double latency_s = 0;
  double bytes_per_s = 0;

  double at(double bytes) const { return latency_s + bytes / bytes_per_s; }
};

// What each device has between nodes while all devices of its node talk.
Link network_share(const Cluster& c) {
  Link link = c.network->link;
  link.bytes_per_s = std::min(link.bytes_per_s, c.network->node_bytes_per_s / c.devices_per_node);
  return link;
}

const Link& link_inside(const Cluster& c, const GroupShape& shape) {
  const bool in_package = c.package && !shape.strided && shape.ranks_per_node <= c.package->devices;
  return in_package ? c.package->link : c.node_link;
}

// A message over a link; what its ramp costs is the same for every size.
Line message(const Link& link) {
  return {.latency_s = link.latency_s + link.half_peak_bytes / link.bytes_per_s,
          .bytes_per_s = link.bytes_per_s};
}

// A hop of a ring. One over nodes enters and leaves each through the adapters of all its ranks
// there, and is as slow as its slowest hop.
Line hop(const Cluster& c, const GroupShape& shape) {
  if (shape.nodes == 1) return message(link_inside(c, shape));
  Line outside = message(network_share(c));
  if (shape.groups_leaving > 0) {
    outside.bytes_per_s =
        std::min(c.network->link.bytes_per_s,
                 c.network->node_bytes_per_s / shape.groups_leaving / shape.ranks_per_node);
  }
  if (shape.ranks() == shape.nodes) return outside;
  const Line inside = message(c.node_link);
  return {.latency_s = std::max(outside.latency_s, inside.latency_s),
          .bytes_per_s = std::min(outside.bytes_per_s * shape.ranks_per_node, inside.bytes_per_s)};
}

Line ring(const Line& hop, int ranks, int rounds) {
  const double steps = static_cast<double>(ranks - 1) * rounds;
  return {.latency_s = steps * hop.latency_s, .bytes_per_s = hop.bytes_per_s * ranks / steps};
}

Line all_to_all(const Cluster& c, const GroupShape& shape) {
  const double ranks = shape.ranks();
  const Link& inside = link_inside(c, shape);
  const double stays = (shape.ranks_per_node - 1) / ranks / inside.bytes_per_s;
  const double latency = inside.latency_s * (shape.ranks_per_node - 1);
  if (shape.nodes == 1) return {.latency_s = latency, .bytes_per_s = 1 / stays};
  const Link outside = network_share(c);
  const double leaves = (ranks - shape.ranks_per_node) / ranks / outside.bytes_per_s;
  return {.latency_s = latency + outside.latency_s * (shape.nodes - 1),
          .bytes_per_s = 1 / std::max(stays, leaves)};
}

Line send(const Cluster& c, const GroupShape& shape) {
  return message(shape.nodes > 1 ? network_share(c) : link_inside(c, shape));
}

Line by_links(const Cluster& c, Collective kind, const GroupShape& shape) {
  if (kind == Collective::kSend) return send(c, shape);
  if (kind == Collective::kAllToAll) return all_to_all(c, shape);
  return ring(hop(c, shape), shape.ranks(), kind == Collective::kAllReduce ? 2 : 1);
}

// In a node without packages every group of a size is like any other.
bool applies(const MeasuredCollective& row, const Cluster& c, Collective kind,
             const GroupShape& shape) {
  return row.kind == kind && row.shape.nodes == shape.nodes &&
         (row.shape.strided == shape.strided || !c.package);
}

Line line_of(const MeasuredCollective& row, const Line& otherwise) {
  return {.latency_s = row.latency_s.value_or(otherwise.latency_s),
          .bytes_per_s = row.bytes_per_s.value_or(otherwise.bytes_per_s)};
}

Line between(const Cluster& c, const MeasuredCollective& below, const MeasuredCollective& above,
             int ranks_per_node) {
  const Line low = line_of(below, by_links(c, below.kind, below.shape));
  const Line high = line_of(above, by_links(c, above.kind, above.shape));
  const double part = static_cast<double>(ranks_per_node - below.shape.ranks_per_node) /
                      (above.shape.ranks_per_node - below.shape.ranks_per_node);
  return {.latency_s = low.latency_s + part * (high.latency_s - low.latency_s),
          .bytes_per_s = low.bytes_per_s + part * (high.bytes_per_s - low.bytes_per_s)};
}

std::optional<Line> by_rows(const Cluster& c, Collective kind, const GroupShape& shape) {
  const MeasuredCollective* below = nullptr;
  const MeasuredCollective* above = nullptr;
  for (const MeasuredCollective& row : c.measured) {
    if (!applies(row, c, kind, shape)) continue;
    const int ranks = row.shape.ranks_per_node;
    if (ranks == shape.ranks_per_node) return line_of(row, by_links(c, kind, shape));
    if (ranks < shape.ranks_per_node) {
      if (!below || ranks > below->shape.ranks_per_node) below = &row;
    } else if (!above || ranks < above->shape.ranks_per_node) {
      above = &row;
    }
  }
  if (below && above) return between(c, *below, *above, shape.ranks_per_node);
  if (kind == Collective::kReduceScatter) return by_rows(c, Collective::kAllGather, shape);
  return std::nullopt;
}

// Between two points the line through them; beyond the last its bytes a second. Below the first one
// bytes do not count.
double along(const std::vector<std::pair<double, double>>& points, double bytes) {
  if (bytes <= points.front().first) return points.front().second;
  if (bytes >= points.back().first) return points.back().second * bytes / points.back().first;
  size_t i = 1;
  while (points[i].first < bytes) ++i;
  const auto& [b0, s0] = points[i - 1];
  const auto& [b1, s1] = points[i];
  return s0 + (bytes - b0) / (b1 - b0) * (s1 - s0);
}

std::optional<double> by_points(const Cluster& c, Collective kind, double bytes,
                                const GroupShape& shape) {
  for (const MeasuredCollective& row : c.measured) {
    if (row.points.empty() || !applies(row, c, kind, shape)) continue;
    if (row.shape.ranks_per_node == shape.ranks_per_node) return along(row.points, bytes);
  }
  return std::nullopt;
}

// In the node, between nodes, in the node: fewer hops than one ring through all of them.
double latency_by_level(const Cluster& c, const GroupShape& shape) {
  const int together = (shape.ranks() + shape.nodes - 1) / shape.nodes;
  const GroupShape inside{.ranks_per_node = together, .strided = shape.strided};
  const GroupShape across{.nodes = shape.nodes};
  return collective_seconds(c, Collective::kReduceScatter, 0, inside) +
         collective_seconds(c, Collective::kAllReduce, 0, across) +
         collective_seconds(c, Collective::kAllGather, 0, inside);
}

}  // namespace

double collective_seconds(const Cluster& c, Collective kind, double bytes,
                          const GroupShape& shape) {
  if (shape.ranks() < 2) return 0;
  if (const std::optional<double> seconds = by_points(c, kind, bytes, shape)) return *seconds;
  if (const std::optional<Line> row = by_rows(c, kind, shape)) return row->at(bytes);
  Line line = by_links(c, kind, shape);
  const bool two_levels = shape.nodes > 1 && shape.ranks() > shape.nodes;
  if (kind == Collective::kAllReduce && two_levels) {
    line.latency_s = std::min(line.latency_s, latency_by_level(c, shape));
  }
  return line.at(bytes);
}

double collective_far_byte_s(const Cluster& c, Collective kind, const GroupShape& shape) {
  for (const MeasuredCollective& row : c.measured) {
    if (row.far_byte_s > 0 && applies(row, c, kind, shape) &&
        row.shape.ranks_per_node == shape.ranks_per_node) {
      return row.far_byte_s;
    }
  }
  return 0;
}

double overlapped_seconds(double computation_s, double communication_s, double slowdown) {
  if (communication_s >= computation_s * slowdown) return communication_s;
  return computation_s + communication_s * (1 - 1 / slowdown);
}

}  // namespace moai::compiler::cost
