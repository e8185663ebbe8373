// Recorded training steps in micro-batches: what they leave must be what one device leaves.
#include "moai/compiler/passes/micro_batches.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "moai/compiler/conformance/plans.h"
#include "moai/compiler/conformance/run_plan.h"
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

INSTANTIATE_TEST_SUITE_P(Windows, MicroBatches,
                         testing::Values("mlp", "cnn", "gpt", "llama", "bert", "vit", "experts",
                                         "lstm", "fused", "evaluation", "accumulation", "dropout",
                                         "noisy"),
                         [](const auto& info) { return std::string(info.param); });

}  // namespace
}  // namespace moai::compiler
