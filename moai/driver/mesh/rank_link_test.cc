#include "moai/driver/mesh/rank_link.h"

#include <gtest/gtest.h>

#include "moai/driver/testing/scripted_worker.h"

namespace moai::driver {
namespace {

TEST(RankLink, NamesACallOfTheRankAsTheScriptDoes) {
  ScriptedWorker worker;
  graph::SignatureTable signatures;
  RankLink link(worker.front(), {}, "rank 0", &signatures);
  EXPECT_EQ(link.sequence_of(1), 0u) << "nothing ran";
  EXPECT_EQ(link.pass(10, {1, 0, 2}, 3), 1u);
  EXPECT_EQ(link.pass(0, {}, 2), 4u);
  EXPECT_EQ(link.pass(20, {3}, 1), 6u);
  EXPECT_EQ(link.sequence_of(1), 10u);
  EXPECT_EQ(link.sequence_of(2), 10u) << "a move behind it";
  EXPECT_EQ(link.sequence_of(3), 11u);
  EXPECT_EQ(link.sequence_of(5), 0u) << "none of the script's";
  EXPECT_EQ(link.sequence_of(6), 22u);
}

TEST(RankLink, ForgetsWhatRanLongAgo) {
  ScriptedWorker worker;
  graph::SignatureTable signatures;
  RankLink link(worker.front(), {}, "rank 0", &signatures);
  for (uint64_t i = 0; i < 1000; ++i) link.pass(i + 1, {1}, 1);
  EXPECT_EQ(link.sequence_of(1), 0u);
  EXPECT_EQ(link.sequence_of(1000), 1000u);
}

}  // namespace
}  // namespace moai::driver
