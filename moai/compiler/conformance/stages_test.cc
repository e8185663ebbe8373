// Recorded windows on pipeline stages leave what one device leaves.
#include <gtest/gtest.h>

#include "moai/compiler/conformance/run_plan.h"
#include "moai/compiler/planner/plan_window.h"
#include "moai/device/aten/aten_device.h"

namespace moai::compiler {
namespace {

constexpr double kErrorMax = 1e-10;
constexpr graph::StorageId kFirstTemporary = 500000;

class Stages : public testing::TestWithParam<const char*> {
 protected:
  Stages() {
    load(GetParam(), &golden_);
    reference_ = std::make_unique<Reference>(device_.get(), &golden_);
    planner_ = std::make_unique<WindowPlanner>(golden_.recorded->window, golden_.data,
                                               kFirstTemporary, &golden_.signatures);
  }

  void expect_equal(const Degrees& degrees) {
    const std::string what = to_string(degrees);
    const PlannedWindow w = planner_->plan(degrees);
    const auto run = reference_->run(*w.analysed, w.plan);
    ASSERT_TRUE(run.ok()) << what << ": " << run.status().to_string() << "\n"
                          << print(w.analysed->graph, w.program);
    EXPECT_LE(run->error_max, kErrorMax) << what << ": " << run->worst;
    expect_priced(*run, what);
  }

  std::unique_ptr<device::Device> device_ = device::make_aten_device({}).value();
  GoldenWindow golden_;
  std::unique_ptr<Reference> reference_;
  std::unique_ptr<WindowPlanner> planner_;
};

TEST_P(Stages, LeaveWhatOneDeviceLeaves) {
  for (const int pp : {2, 3, 4}) expect_equal({.pp = pp});
}

TEST_P(Stages, WithDataAndTensorParallelInEach) {
  for (Degrees d : {Degrees{.dp = 2}, Degrees{.tp = 2}, Degrees{.dp = 2, .zero = 1},
                    Degrees{.dp = 2, .zero = 2}, Degrees{.dp = 2, .zero = 3},
                    Degrees{.dp = 2, .tp = 2, .zero = 1}, Degrees{.tp = 2, .sp = true},
                    Degrees{.dp = 3, .tp = 2, .zero = 3, .sp = true}}) {
    d.pp = 2;
    expect_equal(d);
  }
}

INSTANTIATE_TEST_SUITE_P(Windows, Stages,
                         testing::Values("mlp", "cnn", "gpt", "llama", "bert", "vit", "experts",
                                         "lstm", "fused", "evaluation", "accumulation", "dropout",
                                         "noisy"),
                         [](const auto& info) { return std::string(info.param); });

}  // namespace
}  // namespace moai::compiler
