#include "moai/compiler/planner/choose_plan.h"

#include <gmock/gmock.h>

#include <algorithm>

#include "moai/base/file.h"
#include "moai/cluster/cluster_file.h"
#include "moai/compiler/planner/weight_layout.h"

namespace moai::compiler {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;

std::vector<std::string> texts(const std::vector<Degrees>& all) {
  std::vector<std::string> out;
  for (const Degrees& d : all) out.push_back(to_string(d));
  return out;
}

TEST(EveryDegrees, UsesAllDevices) {
  EXPECT_THAT(texts(every_degrees(2, {}, true)),
              ElementsAre("dp2 tp1 zero0", "dp2 tp1 zero1", "dp2 tp1 zero2", "dp2 tp1 zero3",
                          "dp1 tp2 zero0", "dp1 tp2 zero0 sp"));
  EXPECT_EQ(every_degrees(8, {}, true).size(), 4u + 2 * 8 + 2);
  EXPECT_EQ(every_degrees(8, {}, false).size(), 4u + 2 * 4 + 1);
  EXPECT_THAT(texts(every_degrees(1, {}, true)), ElementsAre("dp1 tp1 zero0"));
}

TEST(EveryDegrees, KeepsWhatIsPinned) {
  EXPECT_THAT(texts(every_degrees(8, {.tp = 4, .zero = 1}, false)), ElementsAre("dp2 tp4 zero1"));
  EXPECT_THAT(texts(every_degrees(8, {.dp = 3}, true)), ElementsAre());
  EXPECT_THAT(texts(every_degrees(8, {.dp = 1, .zero = 1}, true)), ElementsAre());
}

class ChoosePlan : public testing::TestWithParam<const char*> {
 protected:
  ChoosePlan() {
    const auto text =
        read_file(std::string(MOAI_SOURCE) + "/tests/golden/windows/" + GetParam() + ".txt");
    auto recording = graph::parse_recording(*text, &signatures_);
    EXPECT_TRUE(recording.ok()) << recording.status().to_string();
    step_ = training_step(*recording, signatures_).value();
    cluster_ = cluster::load_cluster({std::string(MOAI_CLUSTERS) + "/a100-80-dgx.toml", 2}).value();
  }
  PlanChoice choose(const Pins& pins = {}) {
    auto choice = choose_plan(step_, cluster_, pins, {}, &signatures_);
    EXPECT_TRUE(choice.ok()) << choice.status().to_string();
    return std::move(*choice);
  }
  static const StepPrice& plan(const PlanChoice& choice, const Degrees& d) {
    const auto found = std::ranges::find(choice.plans, d, &StepPrice::degrees);
    EXPECT_NE(found, choice.plans.end()) << to_string(d);
    return *found;
  }

  graph::SignatureTable signatures_;
  RecordedStep step_;
  cluster::Cluster cluster_;
};

TEST_P(ChoosePlan, TheFastestThatFitsIsFirst) {
  const PlanChoice choice = choose();
  for (size_t i = 0; i < choice.plans.size(); ++i) {
    EXPECT_TRUE(choice.plans[i].fits(cluster_));
    EXPECT_GE(choice.plans[i].program.step_s, choice.ideal.lower_bound_s);
  }
  EXPECT_TRUE(std::ranges::is_sorted(choice.plans, {},
                                     [](const StepPrice& p) { return p.program.step_s; }));
  EXPECT_EQ(choice.best.program.mesh.ranks(), 2);
  EXPECT_GT(choice.one_device.program.step_s, choice.ideal.lower_bound_s);
}

// The plan that is handed out is the one that is first.
TEST_P(ChoosePlan, TheBestIsThePlanThatWasPriced) {
  const PlanChoice choice = choose();
  const StepPrice again =
      price_step(step_, choice.best, choice.plans[0].degrees, cluster_, {}, &signatures_);
  EXPECT_EQ(again.program.step_s, choice.plans[0].program.step_s);
  EXPECT_EQ(again.program.memory_bytes_max, choice.plans[0].program.memory_bytes_max);
}

TEST_P(ChoosePlan, PartsAddUp) {
  cluster_.device.overlaps_exchanges = true;
  std::vector<StepPrice> plans = choose().plans;
  const size_t beside = plans.size();
  cluster_.device.overlaps_exchanges = false;
  std::ranges::move(choose().plans, std::back_inserter(plans));
  for (const StepPrice& p : plans) {
    const SliceSeconds& s = p.slices;
    EXPECT_NEAR(s.forward_s + s.backward_s + s.optimizer_s + s.exchange_s, p.program.step_s, 1e-12)
        << to_string(p.degrees);
    EXPECT_GT(s.forward_s, 0);
    EXPECT_GT(s.backward_s, s.forward_s * 0.5);
    EXPECT_GT(s.optimizer_s, 0);
    EXPECT_LE(s.exchange_s, p.program.collective_s + 1e-12);
    if (&p >= &plans[beside]) {
      EXPECT_NEAR(s.exchange_s, p.program.collective_s, 1e-12);
    }
    const RoleBytes& m = p.fullest;
    EXPECT_EQ(m.parameters + m.state + m.gradients + m.data + m.others + m.workspace,
              p.program.memory_bytes_max);
    EXPECT_LE(m.workspace, p.program.memory_bytes_max - p.program.begin_bytes);
  }
}

TEST_P(ChoosePlan, ShardedStatesTakeLess) {
  const PlanChoice choice = choose();
  const StepPrice& whole = plan(choice, {.dp = 2});
  const StepPrice& shared = plan(choice, {.dp = 2, .zero = 1});
  EXPECT_LT(shared.program.begin_bytes, whole.program.begin_bytes);
  EXPECT_LT(shared.fullest.state, whole.fullest.state * 2 / 3);
}

TEST_P(ChoosePlan, WhatNeedsMoreMemoryThanThereIsComesLast) {
  const PlanChoice all = choose();
  std::vector<uint64_t> needs;
  for (const StepPrice& p : all.plans) needs.push_back(p.program.memory_bytes_max);
  std::ranges::sort(needs);
  ASSERT_LT(needs.front(), needs.back());
  cluster_.device.memory_bytes = static_cast<int64_t>(needs.front());
  const PlanChoice choice = choose();
  EXPECT_TRUE(choice.plans.front().fits(cluster_));
  EXPECT_FALSE(choice.plans.back().fits(cluster_));
  EXPECT_EQ(choice.plans.back().program.memory_bytes_max, needs.back());
  cluster_.device.memory_bytes = 1;
  EXPECT_EQ(choose().plans.front().program.memory_bytes_max, needs.front())
      << "where none fits the smallest";
}

TEST_P(ChoosePlan, PinsThatLeaveNothingAreAnError) {
  const auto choice = choose_plan(step_, cluster_, {.dp = 3, .zero = 2}, {}, &signatures_);
  EXPECT_EQ(choice.status().code(), Code::kInvalidArgument);
  EXPECT_THAT(choice.status().message(), HasSubstr("no plan for 2 devices has dp=3,zero=2"));
}

INSTANTIATE_TEST_SUITE_P(Windows, ChoosePlan, testing::Values("mlp", "cnn", "gpt", "llama"),
                         [](const auto& info) { return std::string(info.param); });

// Batch 6 on two devices: each has half of every product.
TEST(PlanFlops, DataParallelSharesThem) {
  graph::SignatureTable signatures;
  const auto text = read_file(std::string(MOAI_SOURCE) + "/tests/golden/windows/gpt.txt");
  const auto step =
      training_step(graph::parse_recording(*text, &signatures).value(), signatures).value();
  const auto cluster =
      cluster::load_cluster({std::string(MOAI_CLUSTERS) + "/h100-dgx.toml", 2}).value();
  const auto choice = choose_plan(step, cluster, {.dp = 2, .zero = 0}, {}, &signatures);
  ASSERT_TRUE(choice.ok());
  EXPECT_EQ(2 * choice->plans[0].program.flops, choice->one_device.program.flops);
}

TEST(WeightLayouts, SayHowEachLies) {
  graph::SignatureTable signatures;
  const auto text = read_file(std::string(MOAI_SOURCE) + "/tests/golden/windows/mlp.txt");
  const auto step =
      training_step(graph::parse_recording(*text, &signatures).value(), signatures).value();
  const auto layouts = [&](const Degrees& d) {
    std::string out;
    const auto planned = plan_window(step.window, step.uploaded, d, 1, &signatures);
    for (const WeightLayout& w : weight_layouts(planned)) {
      const auto sizes = [&](const std::vector<int64_t>& all) {
        for (size_t i = 0; i < all.size(); ++i) out += (i ? "," : "") + std::to_string(all[i]);
      };
      sizes(w.whole);
      out += ":";
      sizes(w.part);
      out += " ";
    }
    return out;
  };
  EXPECT_EQ(layouts({.dp = 2}), "10:10 10,6:10,6 4:4 4,10:4,10 ");
  EXPECT_THAT(layouts({.dp = 1, .tp = 2}), StartsWith("10:5 10,6:5,6 "));
  EXPECT_THAT(layouts({.dp = 1, .tp = 2}), HasSubstr("4,10:4,5 "));
  EXPECT_THAT(layouts({.dp = 3, .zero = 3}), HasSubstr("10,6:10,2 "));
}

}  // namespace
}  // namespace moai::compiler
