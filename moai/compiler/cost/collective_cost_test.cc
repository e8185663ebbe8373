#include "moai/compiler/cost/collective_cost.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdio>

#include "moai/cluster/cluster_file.h"

namespace moai::compiler::cost {
namespace {

using cluster::Cluster;
using cluster::Collective;
using cluster::GroupShape;

Cluster shipped(const std::string& name) {
  auto read = cluster::read_cluster(std::string(MOAI_CLUSTERS) + "/" + name + ".toml");
  EXPECT_TRUE(read.ok()) << read.status().to_string();
  return std::move(read).value();
}

Cluster by_links_alone(const std::string& name) {
  Cluster c = shipped(name);
  c.measured.clear();
  return c;
}

constexpr double kMB = 1 << 20;

struct Anchor {
  const char* what;
  Collective kind;
  GroupShape shape;
  double bytes;
  double seconds;  // as measured
};

// Largest relative error; prints each.
double largest_error(const Cluster& c, std::initializer_list<Anchor> anchors) {
  double largest = 0;
  for (const Anchor& a : anchors) {
    const double predicted = collective_seconds(c, a.kind, a.bytes, a.shape);
    const double error = predicted / a.seconds - 1;
    std::printf("%-11s %-34s %8.3f ms measured %8.3f ms predicted %+6.1f %%\n", c.name.c_str(),
                a.what, a.seconds * 1e3, predicted * 1e3, error * 100);
    largest = std::max(largest, std::abs(error));
  }
  return largest;
}

double fit(double latency_us, double gb_per_s, double bytes) {
  return latency_us * 1e-6 + bytes / (gb_per_s * 1e9);
}

TEST(CollectiveCost, RingsOverWholeH100NodesNeedTwoConstants) {
  constexpr auto kGather = Collective::kAllGather;
  const auto nodes = [](int n) { return GroupShape{.ranks_per_node = 8, .nodes = n}; };
  EXPECT_LT(
      largest_error(by_links_alone("h100-dgx"),
                    {{"all-gather 2 nodes 1 kB", kGather, nodes(2), 1e3, fit(70, 410, 1e3)},
                     {"all-gather 2 nodes 1 GB", kGather, nodes(2), 1e9, fit(70, 410, 1e9)},
                     {"all-gather 4 nodes 1 kB", kGather, nodes(4), 1e3, fit(146, 396, 1e3)},
                     {"all-gather 4 nodes 1 GB", kGather, nodes(4), 1e9, fit(146, 396, 1e9)},
                     {"all-gather 8 nodes 1 kB", kGather, nodes(8), 1e3, fit(297, 390, 1e3)},
                     {"all-gather 8 nodes 1 GB", kGather, nodes(8), 1e9, fit(297, 390, 1e9)},
                     {"all-gather 16 nodes 1 kB", kGather, nodes(16), 1e3, fit(599, 387, 1e3)},
                     {"all-gather 16 nodes 1 GB", kGather, nodes(16), 1e9, fit(599, 387, 1e9)},
                     {"all-gather 32 nodes 1 kB", kGather, nodes(32), 1e3, fit(1204, 385, 1e3)},
                     {"all-gather 32 nodes 1 GB", kGather, nodes(32), 1e9, fit(1204, 385, 1e9)}}),
      0.01);
}

TEST(CollectiveCost, TheSameTwoConstantsGiveAllReduceAndOneDeviceANode) {
  const auto across = [](int n) { return GroupShape{.nodes = n}; };
  const GroupShape two_nodes{.ranks_per_node = 8, .nodes = 2};
  EXPECT_LT(largest_error(by_links_alone("h100-dgx"),
                          {{"all-reduce 2 nodes 1 GB", Collective::kAllReduce, two_nodes, 1e9,
                            fit(131.6, 204.8, 1e9)},
                           {"all-gather 2 x 1 device 1 GB", Collective::kAllGather, across(2), 1e9,
                            fit(0, 96, 1e9)},
                           {"all-gather 32 x 1 device 1 GB", Collective::kAllGather, across(32),
                            1e9, fit(0, 49.5, 1e9)}}),
            0.02);
}

TEST(CollectiveCost, MeasuredShapesComeFirst) {
  const Cluster h100 = shipped("h100-dgx");
  const auto seconds = [&](Collective kind, int ranks) {
    return collective_seconds(h100, kind, 1e9, {.ranks_per_node = ranks});
  };
  EXPECT_DOUBLE_EQ(seconds(Collective::kAllReduce, 8), fit(31, 267, 1e9));
  EXPECT_DOUBLE_EQ(seconds(Collective::kReduceScatter, 8), fit(30, 394, 1e9));
  // Six ranks lie between four and eight; no row has three nodes of them.
  EXPECT_DOUBLE_EQ(seconds(Collective::kAllReduce, 6), fit(23, 251.5, 1e9));
  EXPECT_DOUBLE_EQ(
      collective_seconds(h100, Collective::kAllToAll, 0, {.ranks_per_node = 8, .nodes = 32}),
      290e-6);
}

TEST(CollectiveCost, InsideAnH100NodeTheLinksAreAGuess) {
  const auto in_node = [](int n) { return GroupShape{.ranks_per_node = n}; };
  EXPECT_LT(largest_error(by_links_alone("h100-dgx"),
                          {{"all-gather 4 devices 1 GB", Collective::kAllGather, in_node(4), 1e9,
                            fit(17, 434, 1e9)},
                           {"all-gather 8 devices 1 GB", Collective::kAllGather, in_node(8), 1e9,
                            fit(30, 394, 1e9)},
                           {"all-reduce 8 devices 1 GB", Collective::kAllReduce, in_node(8), 1e9,
                            fit(31, 267, 1e9)},
                           {"all-to-all 8 devices 1 GB", Collective::kAllToAll, in_node(8), 1e9,
                            fit(50, 380, 1e9)}}),
            0.25);
}

// These came with an overlap simulator; the rows above are of nccl-tests, where the switch reduces.
TEST(CollectiveCost, TwoSourcesForOneH100NodeDisagree) {
  const GroupShape node{.ranks_per_node = 8};
  EXPECT_LT(
      largest_error(
          shipped("h100-dgx"),
          {{"all-reduce 8 devices 1 MB", Collective::kAllReduce, node, kMB, 0.028e-3},
           {"all-reduce 8 devices 64 MB", Collective::kAllReduce, node, 64 * kMB, 0.382e-3},
           {"all-reduce 8 devices 1024 MB", Collective::kAllReduce, node, 1024 * kMB, 5.28e-3}}),
      0.35);
}

TEST(CollectiveCost, A100AndV100NodesAreFittedToTheirTwoRows) {
  const GroupShape node{.ranks_per_node = 8};
  EXPECT_LT(
      largest_error(
          shipped("a100-80-dgx"),
          {{"all-reduce 8 devices 64 MB", Collective::kAllReduce, node, 64 * kMB, 0.652e-3},
           {"all-reduce 8 devices 1024 MB", Collective::kAllReduce, node, 1024 * kMB, 8.14e-3}}),
      0.01);
  EXPECT_LT(largest_error(
                shipped("v100-dgx"),
                {{"all-reduce 8 devices 100 MB", Collective::kAllReduce, node, 1e8, 1.483e-3},
                 {"all-reduce 8 devices 480 MB", Collective::kAllReduce, node, 4.8e8, 6.874e-3}}),
            0.01);
}

// Another A100 cluster, of slower adapters: one constant, taken from two ranks, gives four; with
// more ranks a node its adapters are shared worse than evenly.
TEST(CollectiveCost, StridedGroupsShareTheirNodesAdapters) {
  Cluster c = shipped("a100-80-dgx");
  c.name = "a100 slow";
  c.network->link = {.latency_s = 0, .bytes_per_s = 8.1e9};
  c.network->node_bytes_per_s = 8 * 8.1e9;
  const double bytes = 1e9;
  const auto bus = [&](int ranks, double gb_per_s) {
    return bytes * 2 * (ranks - 1) / ranks / (gb_per_s * 1e9);
  };
  const auto shape = [](int ranks, bool strided) {
    return GroupShape{.ranks_per_node = ranks, .nodes = 2, .strided = strided};
  };
  constexpr auto kReduce = Collective::kAllReduce;
  EXPECT_LT(
      largest_error(c, {{"all-reduce 2 strided", kReduce, shape(1, false), bytes, bus(2, 8.1)},
                        {"all-reduce 4 strided", kReduce, shape(2, true), bytes, bus(4, 16.2)}}),
      0.01);
  EXPECT_LT(largest_error(
                c, {{"all-reduce 8 strided", kReduce, shape(4, true), bytes, bus(8, 20.8)},
                    {"all-reduce 16 of 2 nodes", kReduce, shape(8, false), bytes, bus(16, 44.7)}}),
            0.40);
}

TEST(CollectiveCost, PackagesHaveTheirOwnLink) {
  const Cluster mi250 = shipped("mi250-node");
  const auto seconds = [&](bool strided) {
    return collective_seconds(mi250, Collective::kAllReduce, 1e9,
                              {.ranks_per_node = 2, .strided = strided});
  };
  EXPECT_NEAR(seconds(false), 1e9 / 170e9, 1e-4);
  EXPECT_NEAR(seconds(true), 1e9 / 85e9, 1e-4);
}

TEST(CollectiveCost, ManyNodesAreReducedByLevel) {
  const Cluster h100 = shipped("h100-dgx");
  const GroupShape many{.ranks_per_node = 8, .nodes = 256};
  const double flat_latency = 2 * (2048 - 1) * h100.network->link.latency_s;
  EXPECT_LT(collective_seconds(h100, Collective::kAllReduce, 1e6, many), flat_latency / 4);
}

TEST(CollectiveCost, MoreBytesAndMoreRanksNeverTakeLess) {
  for (const char* name : {"a100-80-dgx", "h100-dgx", "l4-pcie", "mi250-node", "v100-dgx"}) {
    const Cluster c = by_links_alone(name);
    for (const auto kind : {Collective::kAllGather, Collective::kReduceScatter,
                            Collective::kAllReduce, Collective::kAllToAll}) {
      for (const double bytes : {0.0, 1e3, 1e6, 1e9}) {
        EXPECT_EQ(collective_seconds(c, kind, bytes, {}), 0);
        double before = 0;
        for (const int nodes : {1, 2, 4}) {
          const double now =
              collective_seconds(c, kind, bytes, {.ranks_per_node = 8, .nodes = nodes});
          EXPECT_GE(now, before) << name << " " << collective_name(kind) << " " << bytes;
          EXPECT_LT(
              now, collective_seconds(c, kind, bytes + 1e6, {.ranks_per_node = 8, .nodes = nodes}));
          before = now;
        }
      }
    }
  }
}

TEST(CollectiveCost, AMessageTakesTheLinkBetweenItsTwoRanks) {
  const Cluster h100 = shipped("h100-dgx");
  EXPECT_DOUBLE_EQ(collective_seconds(h100, Collective::kSend, 48e6, {.nodes = 2}), 1e-3 + 4.7e-6);
  EXPECT_DOUBLE_EQ(collective_seconds(h100, Collective::kSend, 384e6, {.ranks_per_node = 2}),
                   1e-3 + 4.3e-6);
  const Cluster l4 = shipped("l4-pcie");  // eight devices share an adapter
  EXPECT_DOUBLE_EQ(collective_seconds(l4, Collective::kSend, 1.5e6, {.nodes = 2}), 1e-3 + 15e-6);
}

TEST(OverlappedSeconds, SlowTheComputationOnlyWhileBothRun) {
  EXPECT_DOUBLE_EQ(overlapped_seconds(10, 0, 1.25), 10);
  EXPECT_DOUBLE_EQ(overlapped_seconds(10, 5, 1.25), 11);
  EXPECT_DOUBLE_EQ(overlapped_seconds(10, 12.5, 1.25), 12.5);
  EXPECT_DOUBLE_EQ(overlapped_seconds(10, 20, 1.25), 20);
  EXPECT_DOUBLE_EQ(overlapped_seconds(10, 5, 1), 10);
}

}  // namespace
}  // namespace moai::compiler::cost
