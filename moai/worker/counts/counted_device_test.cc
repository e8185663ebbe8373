#include "moai/worker/counts/counted_device.h"

#include <gmock/gmock.h>

#include "moai/device/fake/fake_device.h"

namespace moai::worker {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::Field;
using testing::Gt;
using testing::Pair;

MATCHER_P(Ran, times, "") { return arg.runs == times; }

TEST(CountedDevice, CountsTheRunsOfEachSignatureSinceItWasAsked) {
  const auto fake = device::make_fake_device();
  CountedDevice counted(fake.get());
  const std::string text = "fake::sleep(intword) -> _";
  const auto call = counted.prepare(*ops::call_signature_from_string(text));
  ASSERT_TRUE(call.ok());
  const std::vector<uint64_t> words = {5};
  for (int i = 0; i < 3; ++i) ASSERT_EQ((*call)->run({}, words, {}), ok_status());
  EXPECT_THAT(counted.take(),
              ElementsAre(Pair(text, AllOf(Ran(3U), Field(&CallCount::seconds, Gt(0))))));
  EXPECT_THAT(counted.take(), ElementsAre());
  ASSERT_EQ((*call)->run({}, words, {}), ok_status());
  EXPECT_THAT(counted.take(), ElementsAre(Pair(text, Ran(1U))));
}

TEST(CountedDevice, AFailedCallDoesNotCount) {
  const auto fake = device::make_fake_device();
  CountedDevice counted(fake.get());
  const auto call =
      counted.prepare(*ops::call_signature_from_string("fake::fail(f64[4]!, intword) -> _"));
  ASSERT_TRUE(call.ok());
  const auto buffer = counted.allocate(32);
  ASSERT_TRUE(buffer.ok());
  device::Buffer* operands[] = {buffer->get()};
  const std::vector<uint64_t> words = {static_cast<uint64_t>(Code::kInternal)};
  EXPECT_FALSE((*call)->run(operands, words, {}).ok());
  EXPECT_THAT(counted.take(), ElementsAre());
}

}  // namespace
}  // namespace moai::worker
