// Transfers: what collectives do to the links of a cluster, in virtual time.
//
// A collective is a latency, then bytes on every link that its groups' rings cross. Those on one
// link share it fairly: each has an equal part of its bytes a second, unless another link of its
// own holds it back more (max-min). Built from the links of a cluster file, one by one; the prices
// of the planner (cost/collective_cost.h) are not read.
#pragma once

#include <span>
#include <utility>
#include <vector>

#include "moai/cluster/topology.h"

namespace moai::compiler {

class Transfers {
 public:
  explicit Transfers(const cluster::Cluster& cluster);

  // Begins a collective among `ranks` (device numbers, ascending) now; its number, from 0.
  // `bytes` as cost::collective_seconds() takes them.
  size_t begin(cluster::Collective kind, double bytes, std::span<const int> ranks);
  // When something changes next, unless one begins before; infinity where nothing goes on.
  double next_s();
  // Goes on until then, no later than next_s(); the numbers of those that ended.
  std::vector<size_t> pass(double until_s);
  double now_s() const { return now_s_; }

 private:
  using LinkId = size_t;
  using Loads = std::vector<std::pair<LinkId, double>>;  // bytes
  struct Route {
    double latency_s = 0;
    Loads loads{};
  };
  struct Active {
    size_t number = 0;
    double starts_s = 0;  // after its latency
    double left = 1;      // part of it
    double rate = 0;      // parts a second
    Loads loads{};
    bool open = false;  // while rates are found
  };

  Route route(cluster::Collective kind, double bytes, std::span<const int> ranks) const;
  double ring_latency(cluster::Collective kind, double ranks, double nodes, double together,
                      const cluster::Link& near) const;
  bool in_package(std::span<const int> ranks) const;
  int node_of(int device) const { return device / cluster_.devices_per_node; }
  // Links by number: of each device inside its node, of each device's adapter, of each node.
  LinkId inside(int device) const { return static_cast<LinkId>(device); }
  LinkId adapter(int device) const { return static_cast<LinkId>(cluster_.devices() + device); }
  LinkId outside(int node) const { return static_cast<LinkId>(2 * cluster_.devices() + node); }
  double rate_of(const Active& a) const;
  void share();

  const cluster::Cluster cluster_;
  std::vector<double> capacity_;  // by link, bytes a second
  std::vector<double> left_;      // of it, while rates are found
  std::vector<int> users_;
  std::vector<Active> active_;
  size_t begun_ = 0;
  double now_s_ = 0;
  bool shared_ = false;  // rates are those of what is active
};

}  // namespace moai::compiler
