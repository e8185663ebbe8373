// What goes in bundles leaves the same, in fewer calls of as many bytes and with little more
// memory.
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "moai/compiler/conformance/run_plan.h"
#include "moai/compiler/planner/plan_window.h"
#include "moai/device/aten/aten_device.h"

namespace moai::compiler {
namespace {

constexpr double kErrorMax = 1e-10;
constexpr graph::StorageId kFirstTemporary = 500000;
constexpr BundleLimits kNothing{.parts = 1, .bytes_min = 0, .bytes_max = 0};

class Bundles : public testing::TestWithParam<const char*> {
 protected:
  Bundles() {
    load(GetParam(), &golden_);
    reference_ = std::make_unique<Reference>(device_.get(), &golden_);
    planner_ = std::make_unique<WindowPlanner>(golden_.recorded->window, golden_.data,
                                               kFirstTemporary, &golden_.signatures);
  }

  // The degrees' plan, with its moves in bundles within the limits.
  PlanRun run(const PlannedWindow& w, const BundleLimits& limits) {
    LayoutPlan plan = w.plan;
    plan.bundles = limits;
    auto run = reference_->run(*w.analysed, plan);
    EXPECT_TRUE(run.ok()) << run.status().to_string();
    if (!run.ok()) return {};
    EXPECT_LE(run->error_max, kErrorMax) << run->worst;
    return std::move(*run);
  }
  static uint64_t collectives(const PlanRun& run) {
    uint64_t most = 0;
    for (const PlanRun::Rank& r : run.ranks) most = std::max(most, r.collectives);
    return most;
  }
  static uint64_t bytes_max(const PlanRun& run) {
    uint64_t most = 0;
    for (const PlanRun::Rank& r : run.ranks) most = std::max(most, r.memory.storage_bytes_max);
    return most;
  }
  // Of what moves by a kind, each value once, whole.
  static uint64_t moved_once(const PlannedWindow& w, MoveKind kind) {
    std::set<RegisterId> moved;
    uint64_t bytes = 0;
    for (const Step& step : w.program.steps) {
      const auto* m = std::get_if<MoveStep>(&step);
      if (!m || m->kind != kind || !moved.insert(m->from).second) continue;
      const SegmentId s = w.analysed->graph.values[w.program.registers[m->from].value].segment;
      const Segment& segment = w.analysed->graph.segments[s];
      bytes += static_cast<uint64_t>(segment.count) * tensor::dtype_size(segment.dtype);
    }
    return bytes;
  }

  std::unique_ptr<device::Device> device_ = device::make_aten_device({}).value();
  GoldenWindow golden_;
  std::unique_ptr<Reference> reference_;
  std::unique_ptr<WindowPlanner> planner_;
};

TEST_P(Bundles, OfSharedOptimizersTakeFewerCallsAndLittleMemory) {
  constexpr BundleLimits kParts{.parts = 8, .bytes_min = 0, .bytes_max = 1 << 20};
  for (const int zero : {1, 2, 3}) {
    SCOPED_TRACE("zero=" + std::to_string(zero));
    const PlannedWindow w = planner_->plan({.dp = 2, .zero = zero});
    const PlanRun one_by_one = run(w, kNothing), in_parts = run(w, kParts), all = run(w, {});
    EXPECT_EQ(one_by_one.moved_bytes, in_parts.moved_bytes);
    EXPECT_EQ(one_by_one.moved_bytes, all.moved_bytes);
    EXPECT_LE(collectives(in_parts), collectives(one_by_one));
    EXPECT_LE(collectives(all), collectives(in_parts));
    const uint64_t more =
        moved_once(w, MoveKind::kReduceScatter) / 8 + moved_once(w, MoveKind::kAllGather) / 8;
    EXPECT_LE(bytes_max(in_parts), bytes_max(one_by_one) + more);
    // Of many layers.
    const bool many = GetParam() == std::string("gpt") || GetParam() == std::string("bert");
    if (many) {
      EXPECT_LE(2 * collectives(in_parts), collectives(one_by_one));
    }
  }
}

// Activations and their gradient, norms and the factor of clipping. A tied weight goes with the
// activations, its gradient with theirs.
TEST_P(Bundles, OfStagesAreFewMessages) {
  const std::set<std::string> several{"experts", "evaluation", "accumulation"};
  const PlannedWindow w = planner_->plan({.pp = 2});
  const PlanRun one_by_one = run(w, kNothing), all = run(w, {});
  EXPECT_EQ(one_by_one.moved_bytes, all.moved_bytes);
  EXPECT_LE(collectives(all), collectives(one_by_one));
  if (several.contains(GetParam())) GTEST_SKIP() << "several branches cross, or several batches";
  EXPECT_EQ(collectives(all), 4u) << print(w.analysed->graph, w.program);
}

// What is summed over ranks before it goes to another stage is ready together as well.
TEST_P(Bundles, OfStagesWithTensorParallel) {
  const PlannedWindow w = planner_->plan({.tp = 2, .pp = 2});
  const PlanRun one_by_one = run(w, kNothing), all = run(w, {});
  EXPECT_EQ(one_by_one.moved_bytes, all.moved_bytes);
  EXPECT_LE(collectives(all), collectives(one_by_one));
}

INSTANTIATE_TEST_SUITE_P(Windows, Bundles,
                         testing::Values("mlp", "cnn", "gpt", "llama", "bert", "vit", "experts",
                                         "lstm", "fused", "evaluation", "accumulation", "dropout",
                                         "noisy"),
                         [](const auto& info) { return std::string(info.param); });

}  // namespace
}  // namespace moai::compiler
