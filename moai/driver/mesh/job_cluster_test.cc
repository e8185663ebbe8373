#include "moai/driver/mesh/job_cluster.h"

#include <gmock/gmock.h>

#include "moai/base/file.h"
#include "moai/base/testing/temporary_directory.h"
#include "moai/cluster/cluster_file.h"
#include "moai/cluster/cpu_node.h"

namespace moai::driver {
namespace {

using testing::HasSubstr;

class JobClusterTest : public testing::Test {
 protected:
  std::string write(const std::string& name, const std::string& cluster_name) {
    cluster::Cluster c = cluster::cpu_node(16, int64_t{1} << 35, 16);
    c.name = cluster_name;
    const std::string path = folder_.path() + "/" + name;
    EXPECT_EQ(write_file(path, to_toml(c)), ok_status());
    return path;
  }
  Result<cluster::Cluster> of(const char* kind, uint64_t memory_bytes = 0) {
    return job_cluster({kind, 4, memory_bytes}, places_);
  }

  TemporaryDirectory folder_;
  DescriptionPlaces places_{
      .named = "", .state_dir = folder_.path(), .site = folder_.path() + "/site.toml"};
};

TEST_F(JobClusterTest, TheNearestDescriptionCounts) {
  EXPECT_EQ(of("cpu")->name, "cpu-node") << "built in";
  write("site.toml", "site");
  EXPECT_EQ(of("cpu")->name, "site");
  write("machine.toml", "measured");
  EXPECT_EQ(of("cpu")->name, "measured");
  EXPECT_EQ(of("cuda")->name, "site") << "what this machine's processors do says nothing of GPUs";
  places_.named = write("named.toml", "named");
  EXPECT_EQ(of("cpu")->name, "named");
  EXPECT_EQ(of("cpu")->devices(), 4);
}

TEST_F(JobClusterTest, WhatWasMeasuredOfFewerDevicesIsAsNone) {
  write("machine.toml", "measured");
  EXPECT_EQ(job_cluster({"cpu", 4, 0}, places_)->name, "measured");
  EXPECT_EQ(job_cluster({"cpu", 64, 0}, places_)->name, "cpu-node");
  ASSERT_EQ(write_file(folder_.path() + "/machine.toml", "name = 3"), ok_status());
  EXPECT_EQ(of("cpu")->name, "cpu-node");
}

TEST_F(JobClusterTest, MemoryIsWhatTheWorkersHave) {
  EXPECT_EQ(of("cpu", 1000)->device.memory_bytes, 1000);
  write("site.toml", "site");
  EXPECT_EQ(of("cpu", uint64_t{1} << 40)->device.memory_bytes, int64_t{1} << 35);
}

TEST_F(JobClusterTest, WhatIsNotDescribedIsTold) {
  EXPECT_EQ(of("cuda").status().code(), Code::kNotFound);
  EXPECT_THAT(of("cuda").status().message(), HasSubstr("set MOAI_CLUSTER"));
  places_.named = folder_.path() + "/missing.toml";
  EXPECT_THAT(of("cpu").status().message(), HasSubstr("missing.toml"));
}

}  // namespace
}  // namespace moai::driver
