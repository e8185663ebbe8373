#include "moai/compiler/cost/timeline.h"

#include <gtest/gtest.h>

#include <array>

namespace moai::compiler::cost {
namespace {

using Ids = std::array<graph::StorageId, 1>;

TEST(Timeline, InLineEverythingAddsUp) {
  Timeline t(2);
  t.call(Ids{1}, 3);
  t.collective(Ids{1}, 4, false);
  t.call(Ids{2}, 5);
  EXPECT_DOUBLE_EQ(t.end_s(), 12);
}

TEST(Timeline, ACollectiveRunsBesideCallsThatDoNotNeedIt) {
  Timeline t(1);
  t.call(Ids{1}, 3);
  t.collective(Ids{1}, 4, true);  // 3 to 7
  t.call(Ids{2}, 5);              // 3 to 8
  EXPECT_DOUBLE_EQ(t.end_s(), 8);
  t.call(Ids{1}, 1);
  EXPECT_DOUBLE_EQ(t.end_s(), 9);
}

TEST(Timeline, ACallWaitsForWhatItReads) {
  Timeline t(1);
  t.call(Ids{1}, 1);
  t.collective(Ids{1}, 10, true);  // 1 to 11
  t.call(Ids{2}, 2);               // 1 to 3
  t.call(Ids{1}, 1);               // 11 to 12
  EXPECT_DOUBLE_EQ(t.end_s(), 12);
}

TEST(Timeline, CollectivesStandInLine) {
  Timeline t(1);
  t.collective(Ids{1}, 4, true);
  t.collective(Ids{2}, 4, true);
  EXPECT_DOUBLE_EQ(t.end_s(), 8);
}

TEST(Timeline, AStartStandsBehindTheCallsBeforeIt) {
  Timeline t(1);
  t.call(Ids{1}, 3);
  t.start(Ids{2}, 4);  // 3 to 7
  t.call(Ids{3}, 2);   // 3 to 5
  t.call(Ids{2}, 1);   // 7 to 8
  EXPECT_DOUBLE_EQ(t.end_s(), 8);
}

TEST(Timeline, WhatRunsDryIsWaitedFor) {
  Timeline t(1);
  t.collective(Ids{1}, 4, true);
  t.call(Ids{2}, 1);
  EXPECT_DOUBLE_EQ(t.calls_end_s(), 1);
  t.run_dry();
  EXPECT_DOUBLE_EQ(t.calls_end_s(), 4);
  t.collective(Ids{3}, 2, false);
  EXPECT_DOUBLE_EQ(t.end_s(), 6);
}

// Twice as slow for the 4 s of the collective: 2 s of work are done, 3 remain.
TEST(Timeline, ACallIsSlowerWhileACollectiveRuns) {
  Timeline t(2);
  t.collective(Ids{1}, 4, true);
  t.call(Ids{2}, 5);
  EXPECT_DOUBLE_EQ(t.end_s(), 7);
  Timeline whole(2);
  whole.collective(Ids{1}, 40, true);
  whole.call(Ids{2}, 5);  // 0 to 10
  whole.collective(Ids{2}, 1, true);
  whole.call(Ids{3}, 1);  // 10 to 12
  EXPECT_DOUBLE_EQ(whole.end_s(), 41);
}

// 0 to 4 beside it; what is in line waits for its operands alone.
TEST(Timeline, ACollectiveInLineIsNotHeldUpByThoseBesideIt) {
  Timeline t(1);
  t.collective(Ids{1}, 4, true);
  t.collective(Ids{2}, 1, false);
  t.call(Ids{2}, 1);
  EXPECT_DOUBLE_EQ(t.end_s(), 4);
  t.collective(Ids{1}, 1, false);
  EXPECT_DOUBLE_EQ(t.end_s(), 5);
}

TEST(Timeline, NoStorageIsNobodys) {
  Timeline t(1);
  t.collective(Ids{0}, 4, true);
  t.call(Ids{0}, 1);
  EXPECT_DOUBLE_EQ(t.end_s(), 4);
}

}  // namespace
}  // namespace moai::compiler::cost
