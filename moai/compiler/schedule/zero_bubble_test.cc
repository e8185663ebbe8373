#include "moai/compiler/schedule/zero_bubble.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <ctime>
#include <random>

#include "moai/compiler/schedule/generators.h"
#include "moai/compiler/schedule/verify.h"

namespace moai::compiler::schedule {
namespace {

const StageCost kEqual = {.forward_s = 1,
                          .input_gradient_s = 1,
                          .weight_gradient_s = 1,
                          .held_bytes = 100,
                          .kept_bytes = 40};

Costs random_stages(size_t stages, std::mt19937* random) {
  std::uniform_real_distribution<double> seconds(0.5, 3);
  std::uniform_int_distribution<int64_t> bytes(1, 50);
  Costs costs;
  for (size_t s = 0; s < stages; ++s) {
    const int64_t kept = bytes(*random);
    costs.stages.push_back({seconds(*random), seconds(*random), seconds(*random),
                            seconds(*random) / 10, seconds(*random) / 10, kept + bytes(*random),
                            kept});
  }
  costs.transfer = static_cast<Transfer>((*random)() % 3);
  return costs;
}

double work_s(const StageCost& c) { return c.forward_s + c.input_gradient_s + c.weight_gradient_s; }

// No device ends before its first forward can come and all its work is done.
double least_makespan(const Costs& costs, uint32_t micro_batches) {
  double before = 0;
  double least = 0;
  for (const StageCost& cost : costs.stages) {
    least = std::max(least, before + micro_batches * work_s(cost));
    before += cost.forward_s + cost.send_activation_s;
  }
  return least;
}

TEST(ZeroBubble, EqualPartsLeaveNoBubbleInTwiceTheMemory) {
  for (uint32_t p = 2; p <= 8; ++p) {
    const std::vector<int64_t> limit(p, 100 * 2 * p);
    const auto planned = zero_bubble(4 * p, uniform(p, kEqual), limit, StepEnd::kStaggered);
    ASSERT_TRUE(planned.ok());
    EXPECT_NEAR(bubble(planned->simulation, StepEnd::kStaggered), 0, 1e-9) << p;
    EXPECT_TRUE(verify(planned->schedule, uniform(p, kEqual), limit).ok());
  }
}

TEST(ZeroBubble, VLeavesNoBubbleInTheMemoryOf1F1B) {
  StageCost half = kEqual;
  half.held_bytes /= 2;
  half.kept_bytes /= 2;
  for (uint32_t p = 1; p <= 8; ++p) {
    const std::vector<int64_t> limit(p, 100 * p);
    const auto planned = zero_bubble_v(3 * p, uniform(2 * p, half), limit, StepEnd::kStaggered);
    ASSERT_TRUE(planned.ok()) << planned.status().to_string();
    EXPECT_NEAR(bubble(planned->simulation, StepEnd::kStaggered), 0, 1e-9) << p;
    EXPECT_TRUE(verify(planned->schedule, uniform(2 * p, half), limit).ok());
  }
}

TEST(ZeroBubble, LessMemoryTakesOtherShapesOfTheV) {
  StageCost half = kEqual;
  half.held_bytes /= 2;
  half.kept_bytes /= 2;
  const double one_f_one_b = 7.0 / 31;
  const auto bubble_in = [&](int64_t half_stages) {
    const std::vector<int64_t> limit(8, 50 * half_stages);
    const auto planned = zero_bubble_v(24, uniform(16, half), limit, StepEnd::kTogether);
    EXPECT_TRUE(planned.ok()) << planned.status().to_string();
    if (!planned.ok()) return 1.0;
    EXPECT_TRUE(verify(planned->schedule, uniform(16, half), limit).ok());
    return bubble(planned->simulation, StepEnd::kTogether) / one_f_one_b;
  };
  EXPECT_LT(bubble_in(16), 0.21);
  EXPECT_LT(bubble_in(10), 0.55);
  EXPECT_LT(bubble_in(7), 0.71);
}

TEST(ZeroBubble, MoreMemoryNeverCosts) {
  const Costs costs = uniform(6, {1, 1.1, 0.7, 0.05, 0.05, 100, 40});
  double before = 1e9;
  for (int64_t held = 1; held <= 14; ++held) {
    const std::vector<int64_t> limit(6, 100 * held);
    const auto planned = zero_bubble(24, costs, limit, StepEnd::kStaggered);
    ASSERT_TRUE(planned.ok());
    EXPECT_TRUE(verify(planned->schedule, costs, limit).ok());
    EXPECT_LE(step_s(planned->simulation, StepEnd::kStaggered), before * 1.002) << held;
    before = step_s(planned->simulation, StepEnd::kStaggered);
  }
}

TEST(ZeroBubble, UnevenStagesStayInTheirBounds) {
  std::mt19937 random(11);
  for (int i = 0; i < 200; ++i) {
    const uint32_t p = 1 + random() % 7;
    const uint32_t m = 1 + random() % (4 * p);
    const Costs costs = random_stages(p, &random);
    std::vector<int64_t> limit;
    for (const StageCost& c : costs.stages) limit.push_back(c.held_bytes * (1 + random() % 12));
    const StepEnd end = i % 2 ? StepEnd::kTogether : StepEnd::kStaggered;
    const auto planned = zero_bubble(m, costs, limit, end);
    ASSERT_TRUE(planned.ok()) << planned.status().to_string();
    const Status valid = verify(planned->schedule, costs, limit);
    EXPECT_TRUE(valid.ok()) << valid.to_string();
    EXPECT_GE(planned->simulation.makespan_s, least_makespan(costs, m) - 1e-9);
  }
}

TEST(ZeroBubble, NeverSlowerThan1F1BInItsMemory) {
  std::mt19937 random(13);
  for (int i = 0; i < 200; ++i) {
    const uint32_t p = 1 + random() % 7;
    const uint32_t m = 1 + random() % (4 * p);
    const Costs costs = random_stages(p, &random);
    const Result<Simulation> plain = simulate(one_forward_one_backward(p, m), costs);
    ASSERT_TRUE(plain.ok());
    std::vector<int64_t> limit;
    for (const DeviceLoad& d : plain->devices) limit.push_back(d.bytes_max);
    const auto planned = zero_bubble(m, costs, limit, StepEnd::kTogether);
    ASSERT_TRUE(planned.ok());
    EXPECT_LE(planned->simulation.makespan_s, plain->makespan_s * (1 + 1e-9)) << i;
  }
}

TEST(ZeroBubble, AnyOrderCanBeFilled) {
  const Costs costs = uniform(8, {1, 1, 1, 0.05, 0.05, 100, 40});
  const Schedule skeleton = interleaved(4, 2, 12);
  const auto planned = fill(skeleton, costs, {}, StepEnd::kTogether);
  ASSERT_TRUE(planned.ok());
  EXPECT_LT(planned->simulation.makespan_s, simulate(skeleton, costs)->makespan_s);
}

TEST(ZeroBubble, ALargePipelineIsPlannedInASecond) {
  const Costs costs = uniform(64, {1, 1.1, 0.7, 0.05, 0.05, 100, 40});
  const std::clock_t begin = std::clock();
  const auto planned =
      zero_bubble(512, costs, std::vector<int64_t>(64, 12800), StepEnd::kStaggered);
  const double ms = 1e3 * static_cast<double>(std::clock() - begin) / CLOCKS_PER_SEC;
  RecordProperty("milliseconds", std::to_string(ms));
  ASSERT_TRUE(planned.ok());
  EXPECT_LT(bubble(planned->simulation, StepEnd::kStaggered), 0.01);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
  EXPECT_LT(ms, 3000);
#endif
}

TEST(ZeroBubble, RefusalsSayWhatDoesNotFit) {
  const auto small = zero_bubble(4, uniform(2, kEqual), {100, 99}, StepEnd::kTogether).status();
  EXPECT_EQ(small.code(), Code::kResourceExhausted);
  EXPECT_NE(small.message().find("100 bytes of activations on device 1, limit 99"),
            std::string::npos);
  const auto v = zero_bubble_v(8, uniform(4, kEqual), {199, 199}, StepEnd::kTogether).status();
  EXPECT_EQ(v.code(), Code::kResourceExhausted);
  EXPECT_EQ(zero_bubble_v(8, uniform(3, kEqual), {}, StepEnd::kTogether).status().code(),
            Code::kInvalidArgument);
  EXPECT_EQ(zero_bubble(0, uniform(3, kEqual), {}, StepEnd::kTogether).status().code(),
            Code::kInvalidArgument);
  EXPECT_EQ(zero_bubble(4, uniform(2, kEqual), {100}, StepEnd::kTogether).status().code(),
            Code::kInvalidArgument);
  const Costs keeps_more = uniform(1, {1, 1, 1, 0, 0, 10, 11});
  EXPECT_NE(zero_bubble(4, keeps_more, {}, StepEnd::kTogether)
                .status()
                .message()
                .find("stage 0 keeps 11 of 10 bytes"),
            std::string::npos);
}

}  // namespace
}  // namespace moai::compiler::schedule
