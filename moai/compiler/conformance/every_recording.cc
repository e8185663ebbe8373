#include "moai/compiler/conformance/every_recording.h"

#include <algorithm>

#include "moai/compiler/cost/live_storages.h"
#include "moai/device/aten/aten_device.h"

namespace moai::compiler {

EveryRecording::EveryRecording() : device_(device::make_aten_device({}).value()) {
  load(GetParam(), &golden_);
  reference_ = std::make_unique<Reference>(device_.get(), &golden_);
}

PlanRun EveryRecording::expect_equal(const Analysed& w, const LayoutPlan& plan,
                                     const std::string& what) {
  const auto run = reference_->run(w, plan);
  EXPECT_TRUE(run.ok()) << what << ": " << run.status().to_string();
  if (!run.ok()) return {};
  EXPECT_LE(run->error_max, kErrorMax) << what << ": " << run->worst;
  return *run;
}

uint64_t EveryRecording::most_bytes(const graph::Window& window) const {
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

}  // namespace moai::compiler
