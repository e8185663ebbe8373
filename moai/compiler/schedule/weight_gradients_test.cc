#include "moai/compiler/schedule/weight_gradients.h"

#include <gtest/gtest.h>

#include "moai/compiler/schedule/generators.h"
#include "moai/compiler/schedule/simulate.h"
#include "moai/compiler/schedule/verify.h"

namespace moai::compiler::schedule {
namespace {

const StageCost kEqual = {.forward_s = 1,
                          .input_gradient_s = 1,
                          .weight_gradient_s = 1,
                          .held_bytes = 100,
                          .kept_bytes = 40};

TEST(WeightGradients, KeepTheOrderOfTheSkeleton) {
  const Schedule skeleton = interleaved(3, 2, 7);
  const auto filled = place_weight_gradients(skeleton, uniform(6, kEqual), {}, {});
  ASSERT_TRUE(filled);
  EXPECT_TRUE(verify(*filled).ok()) << verify(*filled).to_string();
  std::vector<uint32_t> summed(skeleton.stages());
  for (size_t d = 0; d < 3; ++d) {
    std::vector<Task> rest;
    for (Task task : filled->order[d]) {
      if (task.kind == Kind::kWeightGradient) {
        EXPECT_EQ(task.micro_batch, summed[task.stage]++);
        continue;
      }
      if (task.kind == Kind::kInputGradient) task.kind = Kind::kBackward;
      rest.push_back(task);
    }
    EXPECT_EQ(rest, skeleton.order[d]);
  }
}

TEST(WeightGradients, FillGapsThatTheyFit) {
  // Device 1 never waits after its first forward, device 0 does after its two.
  const auto filled =
      place_weight_gradients(one_forward_one_backward(2, 4), uniform(2, kEqual), {}, {});
  ASSERT_TRUE(filled);
  const Result<Simulation> s = simulate(*filled, uniform(2, kEqual));
  ASSERT_TRUE(s.ok());
  EXPECT_DOUBLE_EQ(s->makespan_s, 13);
  EXPECT_EQ(filled->order[1].back(), (Task{Kind::kWeightGradient, 1, 3}));
  EXPECT_EQ(filled->order[1][3].kind, Kind::kInputGradient);
}

TEST(WeightGradients, MakeRoomForTheNextForward) {
  const std::vector<int64_t> limit = {200, 140};
  const Costs costs = uniform(2, kEqual);
  const auto filled = place_weight_gradients(one_forward_one_backward(2, 8), costs, limit, {});
  ASSERT_TRUE(filled);
  EXPECT_TRUE(verify(*filled, costs, limit).ok()) << verify(*filled, costs, limit).to_string();
  const std::vector<int64_t> tight = {200, 100};
  const auto slower = place_weight_gradients(one_forward_one_backward(2, 8), costs, tight, {});
  ASSERT_TRUE(slower);
  EXPECT_TRUE(verify(*slower, costs, tight).ok());
  EXPECT_GT(simulate(*slower, costs)->makespan_s, simulate(*filled, costs)->makespan_s);
}

TEST(WeightGradients, ForwardsThatCannotFitAreNothing) {
  const Schedule skeleton = one_forward_one_backward(2, 8);
  EXPECT_FALSE(place_weight_gradients(skeleton, uniform(2, kEqual), {199, 100}, {}));
}

TEST(WeightGradients, MayDelayWhatComesAfterAGap) {
  Costs costs = uniform(2, kEqual);
  costs.stages[0].weight_gradient_s = costs.stages[1].weight_gradient_s = 1.5;
  costs.stages[0].send_gradient_s = costs.stages[1].send_gradient_s = 0.1;
  const Schedule skeleton = one_forward_one_backward(2, 3);
  const auto never = place_weight_gradients(skeleton, costs, {}, {.least_gap = 1});
  const auto always = place_weight_gradients(skeleton, costs, {}, {.least_gap = 0});
  ASSERT_TRUE(never && always);
  EXPECT_NE(never->order[0], always->order[0]);
}

}  // namespace
}  // namespace moai::compiler::schedule
