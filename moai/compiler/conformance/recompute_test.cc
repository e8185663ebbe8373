// Recorded training steps with calls made again: what they leave must be what one device leaves.
#include "moai/compiler/passes/recompute.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "moai/compiler/conformance/plans.h"
#include "moai/compiler/conformance/run_plan.h"
#include "moai/compiler/cost/live_storages.h"
#include "moai/compiler/planner/window_in_time.h"
#include "moai/device/aten/aten_device.h"

namespace moai::compiler {
namespace {

constexpr double kErrorMax = 1e-10;
constexpr graph::StorageId kFirstTemporary = 700000;

class Recomputation : public testing::TestWithParam<const char*> {
 protected:
  Recomputation() {
    auto device = device::make_aten_device({});
    EXPECT_TRUE(device.ok()) << device.status().to_string();
    device_ = std::move(*device);
    load(GetParam(), &golden_);
    reference_ = std::make_unique<Reference>(device_.get(), &golden_);
  }

  Recomputed again(Recompute how) {
    Recomputed r = recompute(golden_.recorded->window, {}, golden_.data, how, kFirstTemporary,
                             golden_.signatures);
    EXPECT_EQ(r.verified.message(), "");
    return r;
  }
  void expect_equal(const graph::Window& window, const std::string& what) {
    const Analysed w(window, golden_.signatures);
    const auto run = reference_->run(w, whole_plan(golden_, w, {{"x", 1}}));
    ASSERT_TRUE(run.ok()) << what << ": " << run.status().to_string();
    EXPECT_LE(run->error_max, kErrorMax) << what << ": " << run->worst;
  }
  // Of storages, at most.
  uint64_t bytes(const graph::Window& window) const {
    cost::StorageBytes begin;
    for (const auto& [id, bytes] : golden_.inputs) begin[id] = bytes.size();
    cost::StorageReplay replay(&golden_.signatures, begin);
    uint64_t most = 0;
    for (const graph::Node& n : window.nodes) {
      replay.run(window, n);
      most = std::max(most, replay.live().bytes());
    }
    return most;
  }

  std::unique_ptr<device::Device> device_;
  GoldenWindow golden_;
  std::unique_ptr<Reference> reference_;
};

TEST_P(Recomputation, LeavesWhatOneDeviceLeaves) {
  for (const Recompute how : {Recompute::kNone, Recompute::kSelective, Recompute::kFull}) {
    expect_equal(again(how).window, std::string(name(how)));
  }
}

TEST_P(Recomputation, DEBUG) {
  for (const Recompute how : {Recompute::kNone, Recompute::kSelective, Recompute::kFull}) {
    const Recomputed r = again(how);
    size_t calls = 0;
    for (auto& n : r.window.nodes) calls += n.kind == graph::NodeKind::kCall;
    printf("%s: calls %zu memory %lu\n", std::string(name(how)).c_str(), calls, bytes(r.window));
  }
}

INSTANTIATE_TEST_SUITE_P(Windows, Recomputation,
                         testing::Values("mlp", "cnn", "gpt", "llama", "bert", "vit", "experts",
                                         "lstm", "fused", "evaluation", "accumulation", "dropout",
                                         "noisy", "gpt5"),
                         [](const auto& info) { return std::string(info.param); });

}  // namespace
}  // namespace moai::compiler
