#include "moai/compiler/schedule/simulate.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <ctime>
#include <numeric>
#include <random>

#include "moai/compiler/schedule/generators.h"

namespace moai::compiler::schedule {
namespace {

Simulation play(const Schedule& schedule, const Costs& costs) {
  Result<Simulation> simulation = simulate(schedule, costs);
  EXPECT_TRUE(simulation.ok()) << simulation.status().to_string();
  return simulation.ok() ? *simulation : Simulation{};
}

// A forward of `f`, a whole backward of `b`.
Costs equal_stages(size_t stages, double f, double b, double transfer = 0) {
  return uniform(stages, {.forward_s = f,
                          .input_gradient_s = b / 2,
                          .weight_gradient_s = b / 2,
                          .send_activation_s = transfer,
                          .send_gradient_s = transfer,
                          .held_bytes = 10,
                          .kept_bytes = 4});
}

Costs random_stages(size_t stages, std::mt19937* random) {
  std::uniform_real_distribution<double> seconds(0.5, 4);
  Costs costs;
  for (size_t s = 0; s < stages; ++s) {
    costs.stages.push_back({.forward_s = seconds(*random),
                            .input_gradient_s = seconds(*random),
                            .weight_gradient_s = seconds(*random)});
  }
  return costs;
}

double stage_s(const StageCost& cost) {
  return cost.forward_s + cost.input_gradient_s + cost.weight_gradient_s;
}

TEST(Simulate, BubbleOfGPipeAnd1F1BIsTheClosedForm) {
  for (uint32_t p = 1; p <= 12; ++p) {
    for (uint32_t m = 1; m <= 4 * p; ++m) {
      const double closed = (p - 1.0) / (m + p - 1.0);
      const Costs costs = equal_stages(p, 1, 2);
      EXPECT_NEAR(bubble(play(gpipe(p, m), costs), StepEnd::kTogether), closed, 1e-12);
      EXPECT_NEAR(bubble(play(one_forward_one_backward(p, m), costs), StepEnd::kTogether), closed,
                  1e-12);
    }
  }
}

TEST(Simulate, InterleavedBubbleIsDividedByTheChunksForAnyMicroBatches) {
  for (uint32_t p = 1; p <= 8; ++p) {
    for (uint32_t v = 1; v <= 4; ++v) {
      for (uint32_t m = p; m <= 4 * p + 1; ++m) {
        const Simulation s = play(interleaved(p, v, m), equal_stages(p * v, 1.0 / v, 2.0 / v));
        const double ideal = 3.0 * m;
        EXPECT_NEAR((s.makespan_s - ideal) / ideal, (p - 1.0) / (v * m), 1e-9)
            << p << " devices, " << v << " chunks, " << m << " micro-batches";
      }
    }
  }
}

TEST(Simulate, TransfersExposedBy1F1BAreTheClosedForm) {
  for (const double c : {0.01, 0.3}) {
    for (uint32_t p = 2; p <= 12; ++p) {
      for (uint32_t m = 1; m <= 4 * p + 1; ++m) {
        const double exposed = 2 * (p - 1) + 2 * (m - 1.0) - 2 * std::ceil((m - 1.0) / p);
        if (m % p == 0) {
          EXPECT_NEAR(exposed, 2.0 * m * (p - 1) / p + 2 * (p - 2), 1e-9);
        }
        const Simulation s = play(one_forward_one_backward(p, m), equal_stages(p, 1, 2, c));
        EXPECT_NEAR(s.makespan_s, 3 * (m + p - 1) + exposed * c, 1e-9) << p << " " << m;
      }
    }
  }
}

// The sum of the stages and m - 1 times the slowest is what 1F1B takes where the last stage is the
// slowest; elsewhere warm-up forwards hide a part of what follows the slowest.
TEST(Simulate, UnevenStagesLieBetweenTheirBounds) {
  std::mt19937 random(7);
  int slowest_last = 0;
  for (int i = 0; i < 400; ++i) {
    const uint32_t p = 1 + random() % 6;
    const uint32_t m = 1 + random() % (4 * p);
    const Costs costs = random_stages(p, &random);
    const double makespan = play(one_forward_one_backward(p, m), costs).makespan_s;
    double before = 0;
    double slowest = 0;
    double least = 0;
    for (const StageCost& stage : costs.stages) {
      slowest = std::max(slowest, stage_s(stage));
      least = std::max(least, before + m * stage_s(stage));
      before += stage_s(stage);
    }
    const double most = before + (m - 1) * slowest;
    EXPECT_LE(makespan, most + 1e-9);
    EXPECT_GE(makespan, least - 1e-9);
    if (slowest == stage_s(costs.stages.back())) {
      EXPECT_NEAR(makespan, most, 1e-9);
      ++slowest_last;
    }
  }
  EXPECT_GT(slowest_last, 50);
}

TEST(Simulate, MicroBatchesInFlightFallAlongThePipeline) {
  const Simulation s = play(one_forward_one_backward(4, 8), equal_stages(4, 1, 2));
  for (uint32_t d = 0; d < 4; ++d) {
    EXPECT_EQ(s.devices[d].in_flight_max, 4 - d);
    EXPECT_EQ(s.devices[d].bytes_max, 10 * (4 - d));
  }
  EXPECT_EQ(play(gpipe(4, 8), equal_stages(4, 1, 2)).devices[3].in_flight_max, 8U);
  EXPECT_EQ(play(one_forward_one_backward(4, 2), equal_stages(4, 1, 2)).devices[0].in_flight_max,
            2U);
}

TEST(Simulate, VShapesTakeTheirPartOfTheMemoryOf1F1B) {
  const auto most = [](const Schedule& s) {
    uint32_t in_flight = 0;
    for (const DeviceLoad& d : play(s, uniform(s.stages(), {1, 1, 1})).devices) {
      in_flight = std::max(in_flight, d.in_flight_max);
    }
    return in_flight;
  };
  // Of 2 · 16 half stages that 1F1B holds on device 0.
  EXPECT_EQ(most(zb_v(16, 48)), 32U);
  EXPECT_EQ(most(v_half(16, 48)), 17U);
  EXPECT_EQ(most(v_min(16, 48)), 12U);
}

TEST(Simulate, WhatAWeightGradientKeepsStaysUntilItRuns) {
  // Device d of ZB-H1: devices - d forwards in flight, d weight gradients waiting.
  const Simulation h1 = play(zb_h1(4, 12), equal_stages(4, 1, 2));
  for (uint32_t d = 0; d < 4; ++d) EXPECT_EQ(h1.devices[d].bytes_max, 10 * (4 - d) + 4 * d);
  const Simulation h2 = play(zb_h2(4, 12), equal_stages(4, 1, 2));
  for (uint32_t d = 0; d < 4; ++d) {
    EXPECT_EQ(h2.devices[d].bytes_max, 10 * (7 - 2 * d) + 4 * 2 * d);
  }
}

TEST(Simulate, TimelineOfTwoDevicesByHand) {
  const Costs costs = equal_stages(2, 1, 2, 0.5);
  const Simulation s = play(one_forward_one_backward(2, 1), costs);
  EXPECT_DOUBLE_EQ(s.spans[1][0].begin_s, 1.5);
  EXPECT_DOUBLE_EQ(s.spans[1][1].end_s, 4.5);
  EXPECT_DOUBLE_EQ(s.spans[0][1].begin_s, 5);
  EXPECT_DOUBLE_EQ(s.makespan_s, 7);
  EXPECT_DOUBLE_EQ(s.longest_device_s, 7);
  EXPECT_DOUBLE_EQ(s.devices[1].begin_s, 1.5);
  EXPECT_DOUBLE_EQ(bubble(s, StepEnd::kTogether, 1), 1 - 3.0 / 7);
}

TEST(Simulate, ExposedTransfersStopTheSenderOrTheReceiver) {
  Costs costs = equal_stages(2, 1, 2, 0.5);
  const Schedule s = gpipe(2, 2);
  EXPECT_DOUBLE_EQ(play(s, costs).spans[0][1].begin_s, 1);
  costs.transfer = Transfer::kSender;
  const Simulation sender = play(s, costs);
  EXPECT_DOUBLE_EQ(sender.spans[0][1].begin_s, 1.5);
  EXPECT_DOUBLE_EQ(sender.spans[1][1].begin_s, 3);
  costs.transfer = Transfer::kReceiver;
  const Simulation receiver = play(s, costs);
  EXPECT_DOUBLE_EQ(receiver.spans[0][1].begin_s, 1);
  EXPECT_DOUBLE_EQ(receiver.spans[1][0].begin_s, 1.5);
  EXPECT_DOUBLE_EQ(receiver.spans[1][1].begin_s, 3);
}

TEST(Simulate, ChunksOfOneDeviceSendNothing) {
  Schedule s{.micro_batches = 1, .device_of = {0, 0}, .order = {{}}};
  s.order[0] = {{Kind::kForward, 0, 0},
                {Kind::kForward, 1, 0},
                {Kind::kBackward, 1, 0},
                {Kind::kBackward, 0, 0}};
  EXPECT_DOUBLE_EQ(play(s, equal_stages(2, 1, 2, 0.5)).makespan_s, 6);
}

TEST(Simulate, EqualPartsMakeZbH2AndZbVFreeOfBubbles) {
  const auto staggered = [](const Schedule& s) {
    return bubble(play(s, uniform(s.stages(), {1, 1, 1})), StepEnd::kStaggered);
  };
  EXPECT_NEAR(staggered(zb_h2(4, 12)), 0, 1e-12);
  // Of (p - 1)(F + BI + BW), a third is left.
  EXPECT_NEAR(play(zb_h1(4, 12), uniform(4, {1, 1, 1})).makespan_s, 3 * 12 + 3, 1e-12);
}

TEST(Simulate, TasksThatWaitForEachOtherAreNamed) {
  Schedule s = one_forward_one_backward(2, 2);
  std::swap(s.order[0][1], s.order[0][2]);  // F0 B0 F1 B1
  std::swap(s.order[1][1], s.order[1][2]);  // F0 F1 B0 B1
  const Status status = simulate(s, equal_stages(2, 1, 2)).status();
  EXPECT_EQ(status.code(), Code::kInvalidArgument);
  EXPECT_NE(status.message().find(
                "B(stage 0, micro-batch 0) on device 0 waits for B(stage 1, micro-batch 0) on "
                "device 1; F(stage 1, micro-batch 1) on device 1 waits for F(stage 0, micro-batch "
                "1) on device 0;"),
            std::string::npos)
      << status.message();
}

TEST(Simulate, CostsMustBeOfTheStages) {
  const Status status = simulate(gpipe(2, 2), equal_stages(3, 1, 2)).status();
  EXPECT_NE(status.message().find("costs of 3 stages for a schedule of 2"), std::string::npos);
}

TEST(Simulate, ALargePipelineTakesMilliseconds) {
  const Schedule s = interleaved(64, 4, 512);
  const Costs costs = equal_stages(256, 1, 2, 0.1);
  const std::clock_t begin = std::clock();
  const Simulation simulation = play(s, costs);
  const double ms = 1e3 * static_cast<double>(std::clock() - begin) / CLOCKS_PER_SEC;
  RecordProperty("milliseconds", std::to_string(ms));
  EXPECT_GT(simulation.makespan_s, 0);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
  EXPECT_LT(ms, 200);  // some 10 on an idle core
#endif
}

}  // namespace
}  // namespace moai::compiler::schedule
