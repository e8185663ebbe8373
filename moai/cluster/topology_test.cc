#include "moai/cluster/topology.h"

#include <gtest/gtest.h>

namespace moai::cluster {
namespace {

Cluster nodes_of_eight(int nodes) {
  Cluster c;
  c.name = "c";
  c.nodes = nodes;
  c.devices_per_node = 8;
  return c;
}

TEST(Topology, AnAxisInsideANodeStaysThere) {
  const Cluster c = nodes_of_eight(4);
  EXPECT_EQ(axis_shape(c, 1, 8), (GroupShape{.ranks_per_node = 8}));
  EXPECT_EQ(axis_shape(c, 2, 4), (GroupShape{.ranks_per_node = 4, .strided = true}));
  EXPECT_EQ(axis_shape(c, 1, 6), (GroupShape{.ranks_per_node = 6}));
  EXPECT_EQ(axis_shape(c, 1, 1), (GroupShape{}));
}

TEST(Topology, AnAxisAcrossNodesHasItsShareOfEach) {
  const Cluster c = nodes_of_eight(4);
  EXPECT_EQ(axis_shape(c, 1, 32), (GroupShape{.ranks_per_node = 8, .nodes = 4}));
  EXPECT_EQ(axis_shape(c, 8, 4), (GroupShape{.nodes = 4}));
  EXPECT_EQ(axis_shape(c, 4, 8), (GroupShape{.ranks_per_node = 2, .nodes = 4, .strided = true}));
  EXPECT_EQ(axis_shape(c, 16, 2), (GroupShape{.nodes = 2}));
}

TEST(Topology, WhatDividesUnevenlyCountsAsSpread) {
  const Cluster c = nodes_of_eight(4);
  EXPECT_EQ(axis_shape(c, 1, 12), (GroupShape{.ranks_per_node = 6, .nodes = 2}));
  EXPECT_EQ(axis_shape(c, 3, 4), (GroupShape{.ranks_per_node = 2, .nodes = 2, .strided = true}));
}

TEST(Topology, PartOfAClusterIsPartOfANodeOrWholeNodes) {
  const auto devices = [](int n) { return with_devices(nodes_of_eight(4), n); };
  EXPECT_EQ(devices(3)->devices_per_node, 3);
  EXPECT_EQ(devices(3)->nodes, 1);
  EXPECT_EQ(devices(16)->nodes, 2);
  EXPECT_EQ(devices(32)->devices(), 32);
  EXPECT_EQ(devices(33).status().message(),
            "[cluster.size] c has 32 devices, not 33; ask for 1 to 32");
  EXPECT_EQ(devices(0).status().message(),
            "[cluster.size] c has 32 devices, not 0; ask for 1 to 32");
  EXPECT_EQ(devices(12).status().message(),
            "[cluster.size] 12 devices are no whole nodes of 8; ask for 8 or 16");
}

TEST(Topology, CollectivesHaveNames) {
  EXPECT_EQ(collective_name(Collective::kAllGather), "all_gather");
  EXPECT_EQ(collective_name(Collective::kSend), "send");
}

}  // namespace
}  // namespace moai::cluster
