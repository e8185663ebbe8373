#include "moai/compiler/conformance/virtual/transfers.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

#include "moai/compiler/cost/collective_cost.h"

namespace moai::compiler {
namespace {

using cluster::Cluster;
using cluster::Collective;

Cluster nodes_of_four(int nodes) {
  return {.nodes = nodes,
          .devices_per_node = 4,
          .node_link = {.latency_s = 1e-6, .bytes_per_s = 4e9},
          .network = cluster::Network{.link = {.latency_s = 5e-6, .bytes_per_s = 1e9},
                                      .node_bytes_per_s = 2e9}};
}

std::vector<int> range(int begin, int count, int stride = 1) {
  std::vector<int> ranks;
  for (int i = 0; i < count; ++i) ranks.push_back(begin + i * stride);
  return ranks;
}

// Until nothing goes on.
double end_of(Transfers* t) {
  while (!std::isinf(t->next_s())) t->pass(t->next_s());
  return t->now_s();
}

TEST(Transfers, OneGroupTakesWhatTheLinksSay) {
  Transfers t(nodes_of_four(1));
  t.begin(Collective::kAllGather, 4e6, range(0, 4));
  // Three steps of a quarter each.
  EXPECT_NEAR(end_of(&t), 3e-6 + 3e6 / 4e9, 1e-12);
}

TEST(Transfers, GroupsOnOneAdapterShareIt) {
  Transfers alone(nodes_of_four(2)), both(nodes_of_four(2));
  alone.begin(Collective::kAllGather, 8e6, range(0, 2, 4));
  const double single = end_of(&alone);
  EXPECT_NEAR(single, 5e-6 + 4e6 / 1e9, 1e-12);
  for (const int first : {0, 1, 2, 3}) both.begin(Collective::kAllGather, 8e6, range(first, 2, 4));
  // Four adapters of 1 GB/s through a node's 2.
  EXPECT_NEAR(end_of(&both), 5e-6 + 4 * 4e6 / 2e9, 1e-12);
}

TEST(Transfers, WhoComesLaterSlowsWhoIsThere) {
  Transfers t(nodes_of_four(2));
  for (const int first : {0, 1}) t.begin(Collective::kAllGather, 8e6, range(first, 2, 4));
  t.pass(5e-6);
  t.pass(2e-3 + 5e-6);  // half of both is there
  for (const int first : {2, 3}) t.begin(Collective::kAllGather, 8e6, range(first, 2, 4));
  // The first two have the adapter for themselves until the latency of the others is over.
  std::vector<size_t> ended;
  while (ended.empty()) ended = t.pass(t.next_s());
  EXPECT_NEAR(t.now_s(), 4e-3 + 5e-6 + (2e-3 - 5e-6), 1e-9);
  EXPECT_EQ(ended, (std::vector<size_t>{0, 1}));
}

// The formula of the planner, for groups of one shape that all talk at once.
TEST(Transfers, AgreeWithThePricesOfEvenGroups) {
  const Cluster c = nodes_of_four(4);
  for (const Collective kind : {Collective::kAllGather, Collective::kReduceScatter,
                                Collective::kAllReduce, Collective::kAllToAll}) {
    for (const auto& [stride, size] : std::vector<std::pair<int, int>>{
             {1, 2}, {1, 4}, {2, 2}, {1, 16}, {4, 4}, {2, 8}, {1, 8}, {8, 2}}) {
      Transfers t(c);
      for (int first = 0; first < c.devices(); ++first) {
        if (first / stride % size != 0) continue;
        t.begin(kind, 1e6, range(first, size, stride));
      }
      const double priced =
          cost::collective_seconds(c, kind, 1e6, cluster::axis_shape(c, stride, size));
      EXPECT_NEAR(priced / end_of(&t), 1, 0.03)
          << cluster::collective_name(kind) << " stride " << stride << " size " << size;
    }
  }
}

// Groups that the borders of nodes cut unevenly are priced by the slowest.
TEST(Transfers, AgreeWithThePricesOfUnevenGroups) {
  const Cluster c = nodes_of_four(3);
  for (const auto& [stride, size] : std::vector<std::pair<int, int>>{{1, 3}, {1, 6}}) {
    Transfers t(c);
    for (int first = 0; first < c.devices(); first += size) {
      t.begin(Collective::kAllReduce, 1e6, range(first, size, stride));
    }
    const double priced = cost::collective_seconds(c, Collective::kAllReduce, 1e6,
                                                   cluster::axis_shape(c, stride, size));
    EXPECT_NEAR(priced / end_of(&t), 1, 0.1) << size;
  }
}

}  // namespace
}  // namespace moai::compiler
