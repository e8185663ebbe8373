#include "moai/device/aten/aten_device.h"

#include <gmock/gmock.h>

#include "moai/device/aten/call/kind_testing.h"
#include "moai/device/conformance/device_conformance.h"

namespace moai::device {
namespace {

std::unique_ptr<Device> open(const DeviceOptions& options) {
  DeviceOptions of_kind = options;
  of_kind.kind = test_kind();
  auto device = make_aten_device(of_kind);
  EXPECT_TRUE(device.ok()) << device.status().to_string();
  return std::move(*device);
}

}  // namespace

INSTANTIATE_TEST_SUITE_P(Aten, DeviceConformance, testing::Values(DeviceKind{test_kind(), open}),
                         [](const auto& kind) { return kind.param.name; });

namespace {

TEST(AtenDevice, RefusesKindsItDoesNotHave) {
  EXPECT_EQ(make_aten_device({.kind = "abacus"}).status().code(), Code::kInvalidArgument);
  const auto cuda = make_aten_device({.kind = "cuda", .index = 1000});
  EXPECT_EQ(cuda.status().code(), Code::kFailedPrecondition);
  EXPECT_THAT(cuda.status().message(), testing::HasSubstr("no device of kind cuda: "));
}

TEST(AtenDevice, NamesTheVersionOfTheLibrary) {
  EXPECT_THAT(open({})->library_version(), testing::MatchesRegex("torch [0-9]+\\.[0-9]+\\..*"));
}

}  // namespace
}  // namespace moai::device
