#include "moai/compiler/cost/profile/training_run.h"

#include <gtest/gtest.h>

namespace moai::compiler::cost {
namespace {

TrainingRun gpt_39b() {
  return {.hidden = 8192,
          .heads = 64,
          .layers = 48,
          .sequence = 2048,
          .vocabulary = 51200,
          .batch = 1536,
          .micro_batch = 4,
          .tensor = 8,
          .pipeline = 2,
          .data = 32,
          .recompute = Recompute::kFull};
}

TEST(TrainingRun, CountsDevicesMicroBatchesAndParameters) {
  const TrainingRun run = gpt_39b();
  EXPECT_EQ(run.devices(), 512);
  EXPECT_EQ(run.micro_batches(), 12);
  EXPECT_NEAR(parameters(run), 39.1e9, 0.05e9);
}

// 96 B s L h² (1 + s ÷ 6h + V ÷ 16 L h)
TEST(TrainingRun, HardwareFlopsCountWhatIsRecomputed) {
  const TrainingRun run = gpt_39b();
  const double layers = 1536.0 * 2048 * 48 * 8192 * 8192;
  const double scores = 2048 / (6 * 8192.0);
  EXPECT_DOUBLE_EQ(hardware_flops(run), 96 * layers * (1 + scores + 51200 / (16 * 48 * 8192.0)));
  EXPECT_DOUBLE_EQ(model_flops(run), 72 * layers * (1 + scores + 51200 / (12 * 48 * 8192.0)));
  TrainingRun kept = run;
  kept.recompute = Recompute::kNone;
  EXPECT_DOUBLE_EQ(hardware_flops(kept), model_flops(run));
}

}  // namespace
}  // namespace moai::compiler::cost
