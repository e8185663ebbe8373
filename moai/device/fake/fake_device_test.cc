#include "moai/device/fake/fake_device.h"

#include <gmock/gmock.h>

#include "moai/device/conformance/device_conformance.h"

namespace moai::device {

INSTANTIATE_TEST_SUITE_P(Fake, DeviceConformance,
                         testing::Values(DeviceKind{"fake",
                                                    [](const DeviceOptions& options) {
                                                      return make_fake_device({.device = options});
                                                    }}),
                         [](const auto& kind) { return kind.param.name; });

namespace {

TEST(FakeDevice, CallsTakeVirtualTime) {
  auto device = make_fake_device({.call_ns = 100});
  auto call = device->prepare(signature_of("fake::sleep(intword) -> _"));
  ASSERT_TRUE(call.ok());
  const std::vector<uint64_t> words = {5000};
  EXPECT_EQ((*call)->run({}, words, {}), ok_status());
  EXPECT_EQ(device->now_ns(), 5100u);
  EXPECT_EQ(device->calls(), 1u);
}

TEST(FakeDevice, FailsOnDemandAfterHavingWrittenHalf) {
  auto device = make_fake_device();
  auto buffer = device->allocate(32);
  auto call = device->prepare(signature_of("fake::fail(f64[4]!, intword) -> _"));
  ASSERT_TRUE(call.ok());
  const std::vector<uint64_t> words = {static_cast<uint64_t>(Code::kOutOfRange)};
  std::vector<Buffer*> operands = {buffer->get()};
  EXPECT_EQ((*call)->run(operands, words, {}).code(), Code::kOutOfRange);
  double values[4];
  EXPECT_EQ(device->copy_out(**buffer, 0, 32, reinterpret_cast<char*>(values)), ok_status());
  EXPECT_THAT(values, testing::ElementsAre(-1, -1, 0, 0));
}

TEST(FakeDevice, TellsOfEachCall) {
  std::vector<std::string> seen;
  auto device = make_fake_device({.on_call = [&](std::string_view op) { seen.emplace_back(op); }});
  auto call = device->prepare(signature_of("fake::sleep(intword) -> _"));
  EXPECT_EQ((*call)->run({}, std::vector<uint64_t>{1}, {}), ok_status());
  EXPECT_THAT(seen, testing::ElementsAre("fake::sleep"));
}

TEST(FakeDevice, AllocationsFailWhileTheyShould) {
  auto device = make_fake_device();
  device->fail_allocations(true);
  EXPECT_EQ(device->allocate(8).status().code(), Code::kResourceExhausted);
  device->fail_allocations(false);
  EXPECT_TRUE(device->allocate(8).ok());
}

TEST(FakeDevice, KnowsOnlyContiguousDoubles) {
  auto device = make_fake_device();
  for (const char* text : {"aten::add.Tensor(f32[3], f32[3], word) -> f32[3]",
                           "aten::add.Tensor(f64[2,2]{1,2}, f64[2,2], word) -> f64[2,2]",
                           "aten::add.Tensor(f64[3], f64[1], word) -> f64[3]"}) {
    EXPECT_EQ(device->prepare(signature_of(text)).status().code(), Code::kUnimplemented) << text;
  }
}

}  // namespace
}  // namespace moai::device
