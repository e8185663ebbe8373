#include "moai/compiler/cost/rank_memory.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "moai/compiler/analysis/import_window.h"
#include "moai/compiler/sharding/partition.h"

namespace moai::compiler::cost {
namespace {

class RankBeginTest : public testing::Test {
 protected:
  // On rank `rank` of two, `split` storages along their first factor.
  StorageBytes begin(std::string_view text, const std::vector<graph::StorageId>& split, int rank,
                     const StorageBytes& whole) {
    const auto window = graph::parse(text, &signatures_);
    EXPECT_TRUE(window.ok()) << window.status().to_string();
    const ValueGraph g = import_window(*window, signatures_);
    const Factors factors(g);
    LayoutPlan plan{.mesh = {{{"x", 2}}}, .policies = std::vector<AxisPolicy>(1)};
    for (SegmentId s = 0; s < g.segments.size(); ++s) {
      if (std::ranges::find(split, g.segments[s].storage) != split.end()) {
        plan.home[s] = {split_at(0)};
      }
    }
    const SpmdProgram program = partition(g, factors, plan);
    return rank_begin({&*window, &g, &factors, &program}, rank, whole);
  }
  graph::SignatureTable signatures_;
};

TEST_F(RankBeginTest, InputsLieAsTheProgramHasThem) {
  const std::string text = "s3 = aten::add.Tensor(f32[5] s1, f32[5] s2, word 1.0) -> f32[5]\n";
  EXPECT_EQ(begin(text, {1}, 0, {{1, 20}, {2, 64}}), (StorageBytes{{1, 12}, {2, 64}}));
  EXPECT_EQ(begin(text, {1}, 1, {{1, 20}, {2, 64}}), (StorageBytes{{1, 8}, {2, 64}}));
  EXPECT_EQ(begin(text, {}, 0, {}), (StorageBytes{{1, 20}, {2, 20}})) << "as far as calls reach";
}

TEST_F(RankBeginTest, WhatNoCallUsesLiesWhole) {
  EXPECT_EQ(begin("s3 = aten::relu(f32[5] s1) -> f32[5]\n", {1}, 0, {{1, 20}, {7, 100}}),
            (StorageBytes{{1, 12}, {7, 100}}));
}

// s8 is the gradient that the step before left; s3 is its successor.
TEST_F(RankBeginTest, WhatIsOnlyReleasedLiesAsItsSuccessor) {
  const std::string text = "free s8\ns3 = aten::relu(f32[5] s1) -> f32[5]\n";
  EXPECT_EQ(begin(text, {1}, 0, {{1, 20}, {8, 20}}), (StorageBytes{{1, 12}, {8, 12}}));
  EXPECT_EQ(begin(text, {1}, 0, {{1, 20}, {8, 24}}), (StorageBytes{{1, 12}, {8, 24}}));
}

TEST_F(RankBeginTest, WhatTheWindowAllocatesIsNotThereYet) {
  EXPECT_EQ(begin("alloc s1 64\ns3 = aten::relu(f32[5] s1) -> f32[5]\n", {}, 0, {}),
            StorageBytes{});
}

}  // namespace
}  // namespace moai::compiler::cost
