#include "moai/agent/probe/nvidia.h"

#include <gmock/gmock.h>

#include "moai/base/process.h"

namespace moai::agent {
namespace {

// Built beside this program.
std::unique_ptr<Probe> fake() {
  return nvidia_probe(program_directory() + "/libagent_fake_nvml.so");
}

TEST(Nvidia, TellsDevicesByTheirPlace) {
  const auto devices = fake()->devices();
  ASSERT_TRUE(devices.ok()) << devices.status().to_string();
  ASSERT_EQ(devices->size(), 2u);
  EXPECT_EQ((*devices)[1].index, 1u);
  EXPECT_EQ((*devices)[1].kind, "cuda");
  EXPECT_EQ((*devices)[1].model, "Accelerator 1");
  EXPECT_EQ((*devices)[1].memory_bytes, 85520809984u);
  EXPECT_FALSE((*devices)[1].simulated);
}

TEST(Nvidia, SamplesWhatADeviceReports) {
  const auto probe = fake();
  const auto first = probe->sample(0, 0, 0), second = probe->sample(1, 0, 0);
  ASSERT_TRUE(first.ok() && second.ok());
  EXPECT_EQ(first->memory_used_bytes, 520809984u);
  EXPECT_DOUBLE_EQ(first->utilization, 0.37);
  EXPECT_EQ(first->temperature_c, 41);
  EXPECT_EQ(first->power_w, 72.5);
  EXPECT_EQ(second->temperature_c, std::nullopt);
  EXPECT_EQ(second->power_w, std::nullopt);
}

TEST(Nvidia, SaysWhatIsMissing) {
  const auto none = nvidia_probe("libno-such-library.so.1")->devices();
  EXPECT_EQ(none.status().code(), Code::kUnavailable);
  EXPECT_THAT(none.status().message(), testing::HasSubstr("libno-such-library.so.1"));
  const auto other = nvidia_probe("libm.so.6")->devices();
  EXPECT_EQ(other.status().code(), Code::kUnavailable);
  EXPECT_THAT(other.status().message(), testing::HasSubstr("nvml"));
  EXPECT_THAT(fake()->sample(2, 0, 0).status().message(), testing::HasSubstr("Invalid Argument"));
}

}  // namespace
}  // namespace moai::agent
