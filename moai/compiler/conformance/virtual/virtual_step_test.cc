// A slice of ./dev bench virtual with stored measurements: bench/virtual/slice.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>

#include "moai/base/file.h"
#include "moai/cluster/cluster_file.h"
#include "moai/compiler/conformance/virtual/compare_plans.h"

namespace moai::compiler {
namespace {

constexpr double kOverBestMax = 0.02, kErrorMax = 0.03;
constexpr double kShareMin = 0.02, kMovesMin = 0.5;

class Virtual : public testing::TestWithParam<std::pair<const char*, int>> {
 protected:
  void SetUp() override {
    const std::string folder = std::string(MOAI_VIRTUAL) + "/slice";
    const auto text = read_file(folder + "/times.txt");
    ASSERT_TRUE(text.ok()) << text.status().to_string();
    auto times = device::TimeTable::parse(*text);
    ASSERT_TRUE(times.ok()) << times.status().to_string();
    times_ = std::move(*times);
    const auto cluster = cluster::load_cluster({folder + "/cluster.toml", GetParam().second});
    ASSERT_TRUE(cluster.ok()) << cluster.status().to_string();
    cluster_ = *cluster;
    const Status status =
        read_model(std::string(MOAI_GOLDEN_WINDOWS) + "/" + GetParam().first + ".txt", &model_);
    ASSERT_TRUE(status.ok()) << status.to_string();
  }
  PlanComparison compared() {
    auto c = compare_plans(&model_, times_, cluster_);
    EXPECT_TRUE(c.ok()) << c.status().to_string();
    return c.ok() ? *c : PlanComparison{};
  }

  Model model_;
  device::TimeTable times_;
  cluster::Cluster cluster_;
};

TEST_P(Virtual, TheAutomaticPlanIsTheBestAndItsStepAsPredicted) {
  const PlanComparison c = compared();
  ASSERT_GT(c.plans, 0u);
  EXPECT_LE(c.chosen.simulated_s, c.best.simulated_s * (1 + kOverBestMax))
      << to_string(c.chosen.degrees) << " beside " << to_string(c.best.degrees);
  EXPECT_LE(std::abs(c.chosen.error()), kErrorMax) << to_string(c.chosen.degrees);
}

TEST_P(Virtual, AsIsWhereExchangesGoOnBesideCalls) {
  cluster_.device.overlaps_exchanges = true;
  const PlanComparison c = compared();
  EXPECT_LE(c.chosen.simulated_s, c.best.simulated_s * (1 + kOverBestMax))
      << to_string(c.chosen.degrees) << " beside " << to_string(c.best.degrees);
  EXPECT_LE(std::abs(c.chosen.error()), kErrorMax) << to_string(c.chosen.degrees);
}

// A table that is off shows: the error moves by what the class is of the step.
TEST_P(Virtual, APerturbedClassOfOperatorsAppearsAsAnError) {
  const PlanComparison c = compared();
  size_t seen = 0;
  for (const ClassShift& s : c.shifts) {
    if (s.share < kShareMin) continue;
    ++seen;
    const double before = c.chosen.simulated_s / c.chosen.predicted_s;
    const double moved = 1 / (1 + s.error) - before;
    EXPECT_GE(moved / (before * s.share * (s.factor - 1)), kMovesMin)
        << s.of_class << " × " << s.factor;
  }
  EXPECT_GE(seen, 4u);
}

// A device that is slower holds up all others, which the planner knows.
TEST_P(Virtual, ASlowDeviceIsPredicted) {
  const double even_s = compared().chosen.simulated_s;
  cluster_.speeds.assign(static_cast<size_t>(cluster_.devices_per_node), 1.0);
  cluster_.speeds.back() = 0.5;
  const PlanComparison c = compared();
  EXPECT_GT(c.chosen.simulated_s, even_s * 1.1);
  EXPECT_LE(std::abs(c.chosen.error()), 2 * kErrorMax) << to_string(c.chosen.degrees);
}

// In small bundles, or all of these models would be one.
TEST_P(Virtual, WhatGoesOnBesideCallsIsPredicted) {
  for (const int zero : {0, 1, 3}) {
    SCOPED_TRACE("zero=" + std::to_string(zero));
    const Degrees degrees{.dp = GetParam().second, .zero = zero};
    double seconds[2] = {};
    for (const bool overlaps : {false, true}) {
      PlannerInput input{.uploaded = model_.step.uploaded, .first_temporary = 1};
      input.overlaps = overlaps;
      input.adjust = [](const Analysed&, const Roles&, LayoutPlan* plan) {
        plan->bundles.bytes_min = 0;
      };
      const PlannedWindow planned =
          WindowPlanner(model_.step.window, std::move(input), &model_.signatures).plan(degrees);
      VirtualMachine machine(&times_, &cluster_, &model_.signatures);
      const auto run = machine.run(emit_step(planned, &model_.signatures));
      ASSERT_TRUE(run.ok()) << run.status().to_string();
      const StepPrice price =
          price_step(model_.step, planned, degrees, cluster_, {}, &model_.signatures);
      EXPECT_LE(std::abs(price.program.step_s / run->step_s - 1), kErrorMax)
          << (overlaps ? "beside" : "in line");
      seconds[overlaps] = run->step_s;
    }
    EXPECT_NE(seconds[1], seconds[0]);
  }
}

// What is left of a transfer by rounding alone when other ranks come to their own ends then.
TEST(VirtualStep, ATransferThatHasAllButEndedEndsAtTheNextMeeting) {
  constexpr std::string_view kExchange = "moai::all_reduce((f32[1024]! s1), \"sum\", 0) -> _\n";
  const std::string after_relu =
      "s2 = aten::relu(f32[1024] s1) -> f32[1024]\nfree s2\n" + std::string(kExchange);
  const cluster::Cluster cluster{.devices_per_node = 4,
                                 .node_link = {.latency_s = 1e-6, .bytes_per_s = 1e9}};
  graph::SignatureTable signatures;
  EmittedStep step{.mesh = {{MeshAxis{.size = 2}, MeshAxis{.size = 2}}}};
  const auto run = [&](double relu_us) {
    char line[96];
    std::snprintf(line, sizeof line, "%.17g\ts2 = aten::relu(f32[1024] s1) -> f32[1024]", relu_us);
    const auto times = device::TimeTable::parse(line);
    EXPECT_TRUE(times.ok()) << times.status().to_string();
    return VirtualMachine(&*times, &cluster, &signatures).run(step);
  };
  const auto first = step.mesh.group(0, 0);
  for (int rank = 0; rank < 4; ++rank) {
    const bool at_once = std::ranges::count(first, rank) > 0;
    const auto window = graph::parse(at_once ? kExchange : after_relu, &signatures);
    ASSERT_TRUE(window.ok()) << window.status().to_string();
    step.ranks.push_back(*window);
  }
  const auto even = run(1);
  ASSERT_TRUE(even.ok()) << even.status().to_string();
  const double exchange_us = even->step_s * 1e6 - 1;
  const auto close = run(exchange_us * (1 - 1e-10));
  ASSERT_TRUE(close.ok()) << close.status().to_string();
  EXPECT_NEAR(close->step_s * 1e6, 2 * exchange_us, 1e-6);
}

INSTANTIATE_TEST_SUITE_P(Slice, Virtual,
                         testing::Values(std::pair{"mlp", 2}, std::pair{"mlp", 4},
                                         std::pair{"fused", 4}),
                         [](const auto& info) {
                           return std::string(info.param.first) + std::to_string(info.param.second);
                         });

}  // namespace
}  // namespace moai::compiler
