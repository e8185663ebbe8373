#include "moai/compiler/schedule/order.h"

#include <gtest/gtest.h>

#include "moai/compiler/schedule/generators.h"

namespace moai::compiler::schedule {
namespace {

void expect_refused(const Schedule& s, const std::string& part) {
  const Status status = check_tasks(s);
  EXPECT_EQ(status.code(), Code::kInvalidArgument);
  EXPECT_NE(status.message().find(part), std::string::npos) << status.message();
}

TEST(Order, TasksNeedTheOneBeforeThem) {
  EXPECT_EQ(dependency_of({Kind::kForward, 0, 3}, 4), std::nullopt);
  EXPECT_EQ(dependency_of({Kind::kForward, 2, 3}, 4), (Task{Kind::kForward, 1, 3}));
  EXPECT_EQ(dependency_of({Kind::kBackward, 3, 3}, 4), (Task{Kind::kForward, 3, 3}));
  EXPECT_EQ(dependency_of({Kind::kBackward, 2, 3}, 4), (Task{Kind::kInputGradient, 3, 3}));
  EXPECT_EQ(dependency_of({Kind::kInputGradient, 0, 3}, 4), (Task{Kind::kInputGradient, 1, 3}));
  EXPECT_EQ(dependency_of({Kind::kWeightGradient, 2, 3}, 4), (Task{Kind::kInputGradient, 2, 3}));
}

TEST(Order, WholeAndSplitBackwardsMayMix) {
  Schedule s = gpipe(2, 1);
  s.order[1].back().kind = Kind::kInputGradient;
  s.order[1].push_back({Kind::kWeightGradient, 1, 0});
  EXPECT_TRUE(check_tasks(s).ok()) << check_tasks(s).to_string();
}

TEST(Order, AMissingTaskIsNamed) {
  Schedule s = zb_h1(2, 2);
  s.order[1].pop_back();
  expect_refused(s, "stage 1, micro-batch 1 has F(stage 1, micro-batch 1), BI(stage 1");
  s.order[1].clear();
  expect_refused(s, "stage 1, micro-batch 0 has nothing");
}

TEST(Order, ARepeatedTaskIsNamed) {
  Schedule s = gpipe(2, 2);
  s.order[0].push_back({Kind::kForward, 0, 1});
  expect_refused(s, "runs twice: F(stage 0, micro-batch 1) on device 0");
}

TEST(Order, AWholeBackwardBesideASplitOneIsRefused) {
  Schedule s = gpipe(1, 1);
  s.order[0].push_back({Kind::kWeightGradient, 0, 0});
  expect_refused(s, "has F(stage 0, micro-batch 0), B(stage 0, micro-batch 0), BW(stage 0");
}

TEST(Order, ATaskOfAnotherDeviceIsNamed) {
  Schedule s = gpipe(2, 1);
  std::swap(s.order[0][0], s.order[1][0]);
  expect_refused(s, "F(stage 1, micro-batch 0) on device 0, the stage lies on device 1");
}

TEST(Order, WhatDoesNotExistIsNamed) {
  Schedule s = gpipe(2, 1);
  s.order[0].push_back({Kind::kForward, 0, 5});
  expect_refused(s, "no such task: F(stage 0, micro-batch 5)");
  s.order[0].back() = {Kind::kForward, 9, 0};
  expect_refused(s, "no such task: F(stage 9, micro-batch 0) on device 0, with 2 stages");
  s.device_of[1] = 7;
  expect_refused(s, "without an order: on device 7 of 2");
}

TEST(Order, ADeviceMayStandInItsOwnWay) {
  Schedule s = gpipe(1, 1);
  std::swap(s.order[0][0], s.order[0][1]);
  const Status status = deadlock(s, {0});
  EXPECT_NE(status.message().find("B(stage 0, micro-batch 0) on device 0 waits for F(stage 0, "
                                  "micro-batch 0) on device 0"),
            std::string::npos)
      << status.message();
}

}  // namespace
}  // namespace moai::compiler::schedule
