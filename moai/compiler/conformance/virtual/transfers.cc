#include "moai/compiler/conformance/virtual/transfers.h"

#include <algorithm>
#include <cmath>

namespace moai::compiler {
namespace {

using cluster::Collective;
using cluster::Link;

// Of rates and parts that differ by rounding alone.
constexpr double kSame = 1e-9;

// Steps in which every rank of a ring sends to its neighbour.
double ring_steps(Collective kind, double ranks) {
  return kind == Collective::kAllReduce ? 2 * (ranks - 1) : ranks - 1;
}

}  // namespace

Transfers::Transfers(const cluster::Cluster& cluster) : cluster_(cluster) {
  const auto devices = static_cast<size_t>(cluster.devices());
  capacity_.assign(devices, cluster.node_link.bytes_per_s);
  if (!cluster.network) return;
  capacity_.insert(capacity_.end(), devices, cluster.network->link.bytes_per_s);
  capacity_.insert(capacity_.end(), static_cast<size_t>(cluster.nodes),
                   cluster.network->node_bytes_per_s);
}

bool Transfers::in_package(std::span<const int> ranks) const {
  if (!cluster_.package) return false;
  const int of = cluster_.package->devices;
  return std::ranges::all_of(ranks, [&](int r) { return r / of == ranks[0] / of; });
}

// Around the ring; or by level, as trees do, where that is less: in the node, between nodes, back.
double Transfers::ring_latency(Collective kind, double ranks, double nodes, double together,
                               const Link& near) const {
  if (nodes == 1) return ring_steps(kind, ranks) * near.latency_s;
  const double far = cluster_.network->link.latency_s;
  const double around =
      ring_steps(kind, ranks) * (together > 1 ? std::max(far, near.latency_s) : far);
  if (kind != Collective::kAllReduce) return around;
  return std::min(around, 2 * (together - 1) * near.latency_s + 2 * (nodes - 1) * far);
}

Transfers::Route Transfers::route(Collective kind, double bytes, std::span<const int> ranks) const {
  std::vector<double> together(static_cast<size_t>(cluster_.nodes));  // ranks, by node
  const auto of_node = [&](int rank) -> double& {
    return together[static_cast<size_t>(node_of(rank))];
  };
  for (const int r : ranks) ++of_node(r);
  const auto n = static_cast<double>(ranks.size());
  const auto nodes =
      static_cast<double>(std::ranges::count_if(together, [](double x) { return x > 0; }));
  const double most = std::ranges::max(together);
  const bool package = in_package(ranks);
  const Link& near = package ? cluster_.package->link : cluster_.node_link;
  // A package's link in bytes of the node's, whose number it has.
  const double scale = package ? cluster_.node_link.bytes_per_s / near.bytes_per_s : 1;
  Route route;
  const auto add = [&](int rank, double stays, double leaves) {
    if (stays > 0) route.loads.emplace_back(inside(rank), stays * scale);
    if (leaves > 0) route.loads.emplace_back(adapter(rank), leaves);
    if (leaves > 0) route.loads.emplace_back(outside(node_of(rank)), leaves);
  };
  if (kind == Collective::kAllToAll) {
    route.latency_s = near.latency_s * (most - 1);
    if (nodes > 1) route.latency_s += cluster_.network->link.latency_s * (nodes - 1);
    for (const int r : ranks) {
      add(r, (of_node(r) - 1) / n * bytes, (n - of_node(r)) / n * bytes);
    }
    return route;
  }
  // As many rings as a node has ranks, each through an adapter of its own with its part.
  route.latency_s = ring_latency(kind, n, nodes, most, near);
  const double ramp = nodes > 1 ? cluster_.network->link.half_peak_bytes : near.half_peak_bytes;
  const double sent = ring_steps(kind, n) * (bytes / n + ramp);
  for (const int r : ranks) {
    add(r, of_node(r) > 1 || nodes == 1 ? sent : 0, nodes == 1 ? 0 : sent / of_node(r));
  }
  return route;
}

size_t Transfers::begin(Collective kind, double bytes, std::span<const int> ranks) {
  Route route = this->route(kind, bytes, ranks);
  Active& a = active_.emplace_back();
  a.number = begun_++;
  a.starts_s = now_s_ + route.latency_s;
  for (const auto& [link, load] : route.loads) {
    const auto found = std::ranges::find(a.loads, link, &std::pair<LinkId, double>::first);
    if (found == a.loads.end()) {
      a.loads.emplace_back(link, load);
    } else {
      found->second += load;
    }
  }
  shared_ = false;
  return a.number;
}

double Transfers::rate_of(const Active& a) const {
  double rate = INFINITY;
  for (const auto& [link, bytes] : a.loads) {
    rate = std::min(rate, left_[link] / users_[link] / bytes);
  }
  return rate;
}

// Max-min: who gets least of a link is held back by it, and leaves the rest of all others.
void Transfers::share() {
  left_ = capacity_;
  users_.assign(capacity_.size(), 0);
  size_t open = 0;
  for (Active& a : active_) {
    a.rate = 0;
    a.open = a.starts_s <= now_s_;
    if (!a.open) continue;
    ++open;
    for (const auto& [link, bytes] : a.loads) ++users_[link];
  }
  while (open > 0) {
    double least = INFINITY;
    for (const Active& a : active_) {
      if (a.open) least = std::min(least, rate_of(a));
    }
    std::vector<Active*> fixed;
    for (Active& a : active_) {
      if (a.open && rate_of(a) <= least * (1 + kSame)) fixed.push_back(&a);
    }
    for (Active* a : fixed) {
      a->rate = least;
      a->open = false;
      --open;
      for (const auto& [link, bytes] : a->loads) {
        left_[link] = std::max(0.0, left_[link] - least * bytes);
        --users_[link];
      }
    }
  }
  shared_ = true;
}

double Transfers::next_s() {
  if (!shared_) share();
  double next = INFINITY;
  for (const Active& a : active_) {
    next = std::min(next, a.starts_s > now_s_ ? a.starts_s : now_s_ + a.left / a.rate);
  }
  return next;
}

std::vector<size_t> Transfers::pass(double until_s) {
  if (!shared_) share();
  std::vector<size_t> ended;
  for (Active& a : active_) {
    if (a.starts_s > now_s_) {
      // Its bytes begin to move.
      if (a.starts_s <= until_s) shared_ = false;
      if (a.starts_s <= until_s && a.loads.empty()) a.left = 0;
    } else {
      a.left = std::isinf(a.rate) ? 0 : a.left - a.rate * (until_s - now_s_);
    }
    if (a.left <= kSame) ended.push_back(a.number);
  }
  now_s_ = until_s;
  if (!ended.empty()) shared_ = false;
  std::erase_if(active_, [](const Active& a) { return a.left <= kSame; });
  return ended;
}

}  // namespace moai::compiler
