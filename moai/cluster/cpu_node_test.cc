#include "moai/cluster/cpu_node.h"

#include <gtest/gtest.h>

#include "moai/cluster/cluster_file.h"

namespace moai::cluster {
namespace {

TEST(CpuNodeTest, DevicesShareTheProcessorsThatThereAre) {
  const Cluster roomy = cpu_node(4, 1 << 30, 8), crowded = cpu_node(8, 1 << 30, 2);
  EXPECT_EQ(roomy.devices(), 4);
  EXPECT_DOUBLE_EQ(crowded.device.peak.fp32, roomy.device.peak.fp32 / 4);
  EXPECT_DOUBLE_EQ(crowded.node_link.bytes_per_s, roomy.node_link.bytes_per_s / 4);
  EXPECT_DOUBLE_EQ(crowded.device.fitted.launch_s, roomy.device.fitted.launch_s * 4);
}

TEST(CpuNodeTest, IsADescriptionAsFilesAre) {
  const Cluster c = cpu_node(8, int64_t{3} << 29, 2);
  const auto read = cluster_from_toml(to_toml(c), "cpu-node.toml");
  ASSERT_TRUE(read.ok()) << read.status().to_string();
  EXPECT_EQ(to_toml(*read), to_toml(c));
}

}  // namespace
}  // namespace moai::cluster
