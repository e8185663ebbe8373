// Tests over recorded training steps: one step, a device, and what one device leaves.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "moai/compiler/conformance/run_plan.h"

namespace moai::compiler {

class EveryRecording : public testing::TestWithParam<const char*> {
 protected:
  static constexpr double kErrorMax = 1e-10;
  static constexpr graph::StorageId kFirstTemporary = 700000;  // above all ids of recordings

  EveryRecording();

  // The plan leaves what one device leaves. `w`: the recorded window, or one that computes the
  // same.
  PlanRun expect_equal(const Analysed& w, const LayoutPlan& plan, const std::string& what);
  // Bytes of storages, at most.
  uint64_t most_bytes(const graph::Window& window) const;

  std::unique_ptr<device::Device> device_;
  GoldenWindow golden_;
  std::unique_ptr<Reference> reference_;
};

// Those that ranks, stages and micro-batches are tried on.
inline auto training_steps() {
  return testing::Values("mlp", "cnn", "gpt", "llama", "bert", "vit", "experts", "lstm", "fused",
                         "evaluation", "accumulation", "dropout", "noisy", "pieces");
}
inline std::string recording_name(const testing::TestParamInfo<const char*>& info) {
  return info.param;
}

}  // namespace moai::compiler
