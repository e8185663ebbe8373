// What goes on beside calls leaves the same: as many bytes travel, and ranks hold two bundles more.
#include <gtest/gtest.h>

#include <algorithm>

#include "moai/compiler/conformance/run_plan.h"
#include "moai/compiler/planner/plan_window.h"
#include "moai/device/aten/aten_device.h"
#include "moai/ops/started_call.h"

namespace moai::compiler {
namespace {

constexpr double kErrorMax = 1e-10;
constexpr graph::StorageId kFirstTemporary = 500000;

class Overlaps : public testing::TestWithParam<const char*> {
 protected:
  Overlaps() {
    load(GetParam(), &golden_);
    reference_ = std::make_unique<Reference>(device_.get(), &golden_);
    planner_ = std::make_unique<WindowPlanner>(golden_.recorded->window, golden_.data,
                                               kFirstTemporary, &golden_.signatures);
  }

  struct Run {
    PlanRun run{};
    size_t starts = 0;  // of the first rank
  };
  Run run(const PlannedWindow& w, bool overlaps) {
    LayoutPlan plan = w.plan;
    plan.overlaps = overlaps;
    auto run = reference_->run(*w.analysed, plan);
    EXPECT_TRUE(run.ok()) << run.status().to_string();
    if (!run.ok()) return {};
    EXPECT_LE(run->error_max, kErrorMax) << run->worst;
    expect_priced(*run, overlaps ? "overlaps" : "in line");
    const LaidOut laid = reference_->lay_out(*w.analysed, plan);
    size_t starts = 0;
    for (const graph::Node& n : laid.ranks[0].nodes) {
      if (n.kind != graph::NodeKind::kCall) continue;
      starts += ops::is_start(golden_.signatures.at(n.signature).signature());
    }
    return {std::move(*run), starts};
  }
  static uint64_t bytes_max(const PlanRun& run) {
    uint64_t most = 0;
    for (const PlanRun::Rank& r : run.ranks) most = std::max(most, r.memory.storage_bytes_max);
    return most;
  }

  std::unique_ptr<device::Device> device_ = device::make_aten_device({}).value();
  GoldenWindow golden_;
  std::unique_ptr<Reference> reference_;
  std::unique_ptr<WindowPlanner> planner_;
};

TEST_P(Overlaps, LeaveWhatWholeCallsLeave) {
  const std::vector<Degrees> all = {
      {.dp = 2},          {.dp = 3, .zero = 1},         {.dp = 2, .zero = 2}, {.dp = 2, .zero = 3},
      {.dp = 2, .tp = 2}, {.dp = 2, .zero = 1, .pp = 2}};
  size_t starts = 0;
  for (const Degrees& d : all) {
    SCOPED_TRACE(to_string(d));
    const PlannedWindow w = planner_->plan(d);
    const Run in_line = run(w, false), beside = run(w, true);
    EXPECT_EQ(beside.run.moved_bytes, in_line.run.moved_bytes);
    EXPECT_EQ(in_line.starts, 0u);
    starts += beside.starts;
    // Two bundles of gradients that were not given back yet, and one of weights that came ahead.
    const BundleLimits limits = w.plan.bundles;
    EXPECT_LE(bytes_max(beside.run), bytes_max(in_line.run) + 3 * limits.bytes_min);
  }
  EXPECT_GT(starts, 0u);
}

INSTANTIATE_TEST_SUITE_P(Windows, Overlaps,
                         testing::Values("mlp", "cnn", "gpt", "llama", "bert", "vit", "experts",
                                         "lstm", "fused", "accumulation", "dropout", "noisy"),
                         [](const auto& info) { return std::string(info.param); });

}  // namespace
}  // namespace moai::compiler
