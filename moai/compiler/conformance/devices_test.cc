// Recorded training steps on the kind of device that MOAI_TEST_DEVICE names, whole and on virtual
// ranks: they leave what the CPU leaves.
#include <gtest/gtest.h>

#include "moai/base/environment.h"
#include "moai/compiler/conformance/every_recording.h"
#include "moai/compiler/conformance/plans.h"
#include "moai/device/aten/aten_device.h"

namespace moai::compiler {
namespace {

class Devices : public EveryRecording {
 protected:
  void SetUp() override {
    const std::string kind = environment("MOAI_TEST_DEVICE").value_or("cpu");
    if (kind == "cpu") GTEST_SKIP() << "MOAI_TEST_DEVICE names no other device";
    auto other = device::make_aten_device({.kind = kind});
    ASSERT_TRUE(other.ok()) << other.status().to_string();
    other_ = std::move(*other);
    reference_->run_on(other_.get());
  }
  void TearDown() override { reference_ = nullptr; }

  std::unique_ptr<device::Device> other_;
};

TEST_P(Devices, LeaveWhatTheCpuLeaves) {
  const Analysed& w = *golden_.recorded;
  const PlanRun run = expect_equal(w, whole_plan(golden_, w, {{"one", 1}}), "one device");
  RecordProperty("error", std::to_string(run.error_max));
  std::printf("%-14s error %.3g\n", GetParam(), run.error_max);
}

TEST_P(Devices, LeaveItUnderDataParallelToo) {
  const Analysed& w = *golden_.recorded;
  expect_equal(w, data_parallel(golden_, w, 2), "two ranks");
}

INSTANTIATE_TEST_SUITE_P(Recorded, Devices, training_steps(), recording_name);

}  // namespace
}  // namespace moai::compiler
