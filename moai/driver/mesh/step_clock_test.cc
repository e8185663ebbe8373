#include "moai/driver/mesh/step_clock.h"

#include <gtest/gtest.h>

namespace moai::driver {
namespace {

TEST(StepClockTest, AStepTakesWhatTheBusiestRankWasBusy) {
  StepClock clock;
  EXPECT_EQ(clock.step_ns(), 0u);
  clock.began({100, 1000});
  clock.ended({150, 1080});
  EXPECT_EQ(clock.step_ns(), 80u);
}

TEST(StepClockTest, TellsTheMedianOfTheNewest) {
  StepClock clock;
  for (const uint64_t step : {1, 50, 3, 2, 9}) {
    clock.began({0});
    clock.ended({step});
  }
  EXPECT_EQ(clock.step_ns(), 3u);
  for (int i = 0; i < 15; ++i) {
    clock.began({0});
    clock.ended({7});
  }
  EXPECT_EQ(clock.step_ns(), 7u);
}

TEST(StepClockTest, WhatBeganUnderAnotherPlanDoesNotCount) {
  StepClock clock;
  clock.began({0});
  clock.ended({5});
  clock.began({100});
  clock.begin_anew();
  clock.ended({1000});
  EXPECT_EQ(clock.step_ns(), 0u);
}

TEST(StepClockTest, MeasuresOneStepOfEight) {
  StepClock clock;
  int measured = 0;
  for (int i = 0; i < 80; ++i) measured += clock.measures_next();
  EXPECT_EQ(measured, 10);
}

}  // namespace
}  // namespace moai::driver
