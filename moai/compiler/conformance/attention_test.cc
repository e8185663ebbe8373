// Fused attention over ranks, as a front records it: a call that could draw and does not.
#include <gtest/gtest.h>

#include "moai/compiler/conformance/run_plan.h"
#include "moai/compiler/sharding/partition.h"
#include "moai/device/aten/aten_device.h"

namespace moai::compiler {
namespace {

class Attention : public testing::Test {
 protected:
  Attention() {
    load("attention", &golden_);
    reference_ = std::make_unique<Reference>(device_.get(), &golden_);
  }
  const Analysed& window() const { return *golden_.recorded; }

  // Every input split along the first factor of that size.
  void expect_shared(int64_t size, int ranks) {
    LayoutPlan plan{.mesh = {{{"x", ranks}}}, .policies = std::vector<AxisPolicy>(1)};
    for (const SegmentId s : window().segments_of(golden_.data)) {
      const std::vector<FactorId>& list = window().factors.of(s);
      for (uint32_t place = 0; place < list.size() && !plan.home.contains(s); ++place) {
        if (window().factors.size(list[place]) == size) plan.home[s] = {split_at(place)};
      }
      EXPECT_TRUE(plan.home.contains(s));
    }
    const SpmdProgram program = partition(window().graph, window().factors, plan);
    for (const Step& step : program.steps) {
      EXPECT_TRUE(std::holds_alternative<CallStep>(step)) << print(window().graph, program);
    }
    const auto run = reference_->run(window(), plan);
    ASSERT_TRUE(run.ok()) << run.status().to_string();
    EXPECT_LE(run->error_max, 1e-6) << run->worst;
    expect_priced(*run, std::to_string(size) + " over " + std::to_string(ranks));
  }

  std::unique_ptr<device::Device> device_ = device::make_aten_device({}).value();
  GoldenWindow golden_;
  std::unique_ptr<Reference> reference_;
};

TEST_F(Attention, BatchesAreShared) {
  expect_shared(4, 2);
  expect_shared(4, 3);
}

TEST_F(Attention, HeadsAreShared) { expect_shared(2, 2); }

}  // namespace
}  // namespace moai::compiler
