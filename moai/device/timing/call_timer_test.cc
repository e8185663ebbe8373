#include "moai/device/timing/call_timer.h"

#include <gmock/gmock.h>

#include "moai/device/conformance/device_conformance.h"
#include "moai/device/fake/fake_device.h"

namespace moai::device {
namespace {

constexpr double kNever = 1e9;

TEST(CallTimer, EveryCallOfEveryRoundRunsAndTakesSomeTime) {
  const auto fake = make_fake_device();
  const std::vector<CallToTime> calls = {
      {signature_of("aten::add.Tensor(f64[4], f64[4], word) -> f64[4]"), {0}},
      {signature_of("aten::fill_.Scalar(f64[8]!, word) -> _"), {0}}};
  const auto seconds = time_calls(fake.get(), calls, {.rounds = 2, .runs = 3, .long_s = kNever});
  ASSERT_EQ(seconds.size(), 2u);
  for (const auto& s : seconds) {
    ASSERT_TRUE(s.has_value());
    EXPECT_GT(s->warm, 0);
    EXPECT_EQ(s->cold, 0);
  }
  // Two more at the beginning of each round are not counted.
  EXPECT_EQ(fake->calls(), 2u * 2 * (3 + 2));
}

TEST(CallTimer, InAnyOrderEveryCallIsTimedAsOften) {
  const auto fake = make_fake_device();
  const std::vector<CallToTime> calls(50, {signature_of("aten::sum(f64[4]) -> f64[]"), {}});
  const auto seconds =
      time_calls(fake.get(), calls, {.rounds = 2, .runs = 3, .any_order = true, .long_s = kNever});
  EXPECT_EQ(fake->calls(), 50u * 2 * (3 + 2));
  for (const auto& s : seconds) EXPECT_TRUE(s.has_value());
}

TEST(CallTimer, TheLeastOfRoundsIsATimeLikeTheMiddleOne) {
  const auto fake = make_fake_device();
  const std::vector<CallToTime> calls = {{signature_of("aten::sum(f64[4]) -> f64[]"), {}}};
  CallTimerOptions options{.rounds = 5, .runs = 3, .least = true, .cold_bytes = 1 << 20};
  const auto least = time_calls(fake.get(), calls, options);
  ASSERT_TRUE(least[0].has_value());
  EXPECT_GT(least[0]->warm, 0);
  EXPECT_GE(least[0]->cold, least[0]->warm);
}

TEST(CallTimer, ColdCallsAreTimedWhereThatIsAskedFor) {
  const auto fake = make_fake_device();
  const std::vector<CallToTime> calls = {{signature_of("aten::sum(f64[4]) -> f64[]"), {}}};
  const auto seconds =
      time_calls(fake.get(), calls, {.rounds = 2, .runs = 3, .cold_bytes = 4096, .long_s = kNever});
  ASSERT_TRUE(seconds[0].has_value());
  EXPECT_GE(seconds[0]->cold, seconds[0]->warm);
  EXPECT_EQ(fake->calls(), 2u * (3 + 2 + 2));
}

TEST(CallTimer, CallsInARowAreWaitedForTogetherAndShareTheirTime) {
  const auto fake = make_fake_device();
  const std::vector<CallToTime> calls = {
      {signature_of("aten::add.Tensor(f64[4], f64[4], word) -> f64[4]"), {0}}};
  const auto seconds = time_calls(fake.get(), calls,
                                  {.rounds = 2, .runs = 3, .calls_in_a_row = 10, .long_s = kNever});
  ASSERT_TRUE(seconds[0].has_value());
  EXPECT_EQ(fake->calls(), 2u * (3 + 2) * 10);
  EXPECT_EQ(fake->allocated_bytes(), 0u) << "results of all of them are gone";
}

TEST(CallTimer, LongCallsRunOnceARound) {
  const auto fake = make_fake_device();
  const std::vector<CallToTime> calls = {{signature_of("aten::sum(f64[4]) -> f64[]"), {}}};
  const auto seconds = time_calls(fake.get(), calls, {.rounds = 2, .runs = 3, .long_s = 0});
  EXPECT_TRUE(seconds[0].has_value());
  EXPECT_EQ(fake->calls(), 2u * 2);  // one to see that it is long
}

TEST(CallTimer, WhatTheDeviceRefusesHasNoTime) {
  const auto fake = make_fake_device();
  const std::vector<CallToTime> calls = {{signature_of("aten::no_such(f64[4]) -> f64[4]"), {}},
                                         {signature_of("fake::fail(f64[4]!, intword) -> _"), {13}},
                                         {signature_of("aten::sum(f64[4]) -> f64[]"), {}}};
  std::vector<size_t> failed;
  const auto note = [&](size_t call, const Status& why, bool lost) {
    EXPECT_FALSE(why.ok());
    EXPECT_FALSE(lost);
    failed.push_back(call);
  };
  const auto seconds = time_calls(fake.get(), calls, {.failed = note});
  EXPECT_THAT(failed, testing::ElementsAre(0, 1));
  EXPECT_FALSE(seconds[0].has_value());
  EXPECT_FALSE(seconds[1].has_value());
  EXPECT_TRUE(seconds[2].has_value());
}

TEST(CallTimer, TellsHowFarItIs) {
  const auto fake = make_fake_device();
  const std::vector<CallToTime> calls = {{signature_of("aten::sum(f64[4]) -> f64[]"), {}}};
  size_t last = 0, of = 0;
  time_calls(fake.get(), calls,
             {.rounds = 3, .progress = [&](size_t done, size_t all) { last = done, of = all; }});
  EXPECT_EQ(last, 3u);
  EXPECT_EQ(of, 3u);
}

}  // namespace
}  // namespace moai::device
