#include "moai/device/timing/call_timer.h"

#include <gmock/gmock.h>

#include <chrono>
#include <thread>

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

// The operators of each round, in the order in which they ran.
std::vector<std::vector<std::string>> orders(bool any_order) {
  constexpr size_t kRounds = 2;
  std::vector<std::string> seen;
  const auto fake = make_fake_device({.on_call = [&](std::string_view op) {
    if (seen.empty() || seen.back() != op) seen.emplace_back(op);
  }});
  const std::vector<CallToTime> calls = {
      {signature_of("aten::add.Tensor(f64[4], f64[4], word) -> f64[4]"), {0}},
      {signature_of("aten::mul.Tensor(f64[4], f64[4]) -> f64[4]"), {}},
      {signature_of("aten::add_.Tensor(f64[4]!, f64[4], word) -> _"), {0}},
      {signature_of("aten::fill_.Scalar(f64[8]!, word) -> _"), {0}},
      {signature_of("aten::sum(f64[4]) -> f64[]"), {}}};
  time_calls(fake.get(), calls, {.rounds = kRounds, .runs = 1, .any_order = any_order});
  if (seen.size() != kRounds * calls.size()) return {seen};
  const auto half = seen.begin() + static_cast<std::ptrdiff_t>(calls.size());
  return {{seen.begin(), half}, {half, seen.end()}};
}

TEST(CallTimer, InAnyOrderEachRoundHasAnotherOneOfAllCalls) {
  const auto given = orders(false), any = orders(true);
  ASSERT_EQ(given.size(), 2u);
  EXPECT_EQ(given[0], given[1]);
  ASSERT_EQ(any.size(), 2u);
  EXPECT_NE(any[0], any[1]);
  for (const auto& round : any) EXPECT_THAT(round, testing::UnorderedElementsAreArray(given[0]));
}

TEST(CallTimer, OfRoundsTheLeastCountsWhereThatIsAskedFor) {
  constexpr std::chrono::milliseconds kSlow{50};
  const auto warm = [&](bool least) {
    int done = 0;
    const auto fake = make_fake_device({.on_call = [&](std::string_view) {
      if (++done > 5) std::this_thread::sleep_for(kSlow);  // all but the first round
    }});
    const std::vector<CallToTime> calls = {{signature_of("aten::sum(f64[4]) -> f64[]"), {}}};
    const auto seconds =
        time_calls(fake.get(), calls, {.rounds = 3, .runs = 3, .least = least, .long_s = kNever});
    return seconds[0] ? seconds[0]->warm : 0;
  };
  const double slow = std::chrono::duration<double>(kSlow).count();
  EXPECT_LT(warm(true), slow);
  EXPECT_GE(warm(false), slow);
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
