// Recorded training steps in micro-batches: what they leave must be what one device leaves.
#include "moai/compiler/passes/micro_batches.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "moai/compiler/conformance/plans.h"
#include "moai/compiler/conformance/run_plan.h"
#include "moai/compiler/cost/live_storages.h"
#include "moai/compiler/planner/plan_window.h"
#include "moai/device/aten/aten_device.h"

namespace moai::compiler {
namespace {

constexpr double kErrorMax = 1e-10;
constexpr graph::StorageId kFirstTemporary = 700000;

class MicroBatches : public testing::TestWithParam<const char*> {
 protected:
  MicroBatches() {
    auto device = device::make_aten_device({});
    EXPECT_TRUE(device.ok()) << device.status().to_string();
    device_ = std::move(*device);
    load(GetParam(), &golden_);
    reference_ = std::make_unique<Reference>(device_.get(), &golden_);
  }

  MicroBatched in_time(int microbatches, TimeOrder order = {}) {
    MicroBatched m = micro_batches({.window = &golden_.recorded->window,
                                    .uploaded = golden_.data,
                                    .first_temporary = kFirstTemporary,
                                    .microbatches = microbatches,
                                    .order = std::move(order)},
                                   &golden_.signatures);
    EXPECT_EQ(m.verified.message(), "") << microbatches;
    return m;
  }
  PlannedWindow plan(const MicroBatched& m, const Degrees& d) {
    PlannerInput input{.uploaded = golden_.data,
                       .first_temporary = m.next_temporary,
                       .cuts = {},
                       .adjust = {},
                       .wholes = m.wholes};
    return WindowPlanner(m.window, std::move(input), &golden_.signatures).plan(d);
  }
  void expect_equal(const Analysed& w, const LayoutPlan& plan, const std::string& what) {
    const auto run = reference_->run(w, plan);
    ASSERT_TRUE(run.ok()) << what << ": " << run.status().to_string();
    EXPECT_LE(run->error_max, kErrorMax) << what << ": " << run->worst;
  }

  std::unique_ptr<device::Device> device_;
  GoldenWindow golden_;
  std::unique_ptr<Reference> reference_;
};

TEST_P(MicroBatches, LeaveWhatOneDeviceLeaves) {
  for (const int m : {2, 3, 4}) {
    const MicroBatched split = in_time(m);
    const Analysed w(split.window, golden_.signatures);
    expect_equal(w, whole_plan(golden_, w, {{"x", 1}}), std::to_string(m) + " micro-batches");
  }
}

// What ranks share on top, in a window whose roles are found anew.
TEST_P(MicroBatches, AreSharedAmongRanks) {
  for (const int m : {2, 3}) {
    const MicroBatched split = in_time(m);
    for (const Degrees& d :
         {Degrees{.dp = 2}, Degrees{.dp = 3, .zero = 1}, Degrees{.dp = 2, .zero = 3},
          Degrees{.tp = 2}, Degrees{.dp = 2, .tp = 2, .zero = 2}}) {
      const PlannedWindow planned = plan(split, d);
      expect_equal(*planned.analysed, planned.plan, to_string(d) + " m" + std::to_string(m));
    }
  }
}

// All forward parts first, then the backward parts from the last on.
TEST_P(MicroBatches, RunInAnyOrderOfTasks) {
  TimeOrder order;
  for (const int k : {0, 1, 2}) order.tasks.push_back({0, false, k});
  for (const int k : {2, 0, 1}) order.tasks.push_back({0, true, k});
  const MicroBatched split = in_time(3, order);
  const Analysed w(split.window, golden_.signatures);
  expect_equal(w, whole_plan(golden_, w, {{"x", 1}}), "another order");
}

TEST_P(MicroBatches, DEBUG) {
  for (const int m : {1, 2, 3, 4}) {
    const MicroBatched s = in_time(m);
    int per[3] = {0, 0, 0};
    for (auto& o : s.origins) per[o.microbatch < 0 ? 2 : o.backward]++;
    const Analysed w(s.window, golden_.signatures, {}, s.wholes);
    cost::StorageBytes begin;
    for (const auto& [id, bytes] : golden_.inputs) begin[id] = bytes.size();
    cost::StorageReplay replay(&golden_.signatures, begin);
    uint64_t most = 0, start = replay.live().bytes();
    for (auto& n : w.window.nodes) {
      replay.run(w.window, n);
      most = std::max(most, replay.live().bytes());
    }
    const Roles r = find_roles(w.graph, w.factors, golden_.data);
    std::string b;
    for (auto f : r.batch) b += " " + std::to_string(w.factors.size(f));
    if (getenv("DBG") && m == 2) {
      printf("%s\n", graph::print(w.window, golden_.signatures).c_str());
      printf("%s\n", print(w.graph, w.factors).c_str());
      for (auto id : golden_.data) printf("data s%lu\n", id);
      for (auto f : r.batch) printf("f%u\n", f);
    }
    std::string bars;
    for (auto& x : s.barriers) bars += " " + x.op + "@" + std::to_string(x.line);
    printf("m=%d nodes F %d B %d once %d; memory %lu of which begin %lu; batch%s; barriers%s\n", m,
           per[0], per[1], per[2], most, start, b.c_str(), bars.c_str());
  }
}

INSTANTIATE_TEST_SUITE_P(Windows, MicroBatches,
                         testing::Values("mlp", "cnn", "gpt", "llama", "bert", "vit", "experts",
                                         "lstm", "fused", "evaluation", "accumulation", "dropout",
                                         "noisy"),
                         [](const auto& info) { return std::string(info.param); });

}  // namespace
}  // namespace moai::compiler
