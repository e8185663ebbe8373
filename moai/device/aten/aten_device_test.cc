#include "moai/device/aten/aten_device.h"

#include <gmock/gmock.h>

#include "moai/device/conformance/device_conformance.h"

namespace moai::device {
namespace {

std::unique_ptr<Device> open(const DeviceOptions& options) {
  auto device = make_aten_device(options);
  EXPECT_TRUE(device.ok()) << device.status().to_string();
  return std::move(*device);
}

}  // namespace

INSTANTIATE_TEST_SUITE_P(Aten, DeviceConformance, testing::Values(DeviceKind{"cpu", open}),
                         [](const auto& kind) { return kind.param.name; });

namespace {

TEST(AtenDevice, RefusesKindsItDoesNotHave) {
  EXPECT_EQ(make_aten_device({.kind = "abacus"}).status().code(), Code::kInvalidArgument);
  const auto cuda = make_aten_device({.kind = "cuda"});
  if (cuda.ok()) GTEST_SKIP() << "this libtorch has CUDA devices";
  EXPECT_EQ(cuda.status().code(), Code::kFailedPrecondition);
  EXPECT_THAT(cuda.status().message(), testing::HasSubstr("MOAI_DEVICE=cuda"));
}

TEST(AtenDevice, NamesTheVersionOfTheLibrary) {
  EXPECT_THAT(open({})->library_version(), testing::MatchesRegex("torch [0-9]+\\.[0-9]+\\..*"));
}

}  // namespace
}  // namespace moai::device
