#include "moai/compiler/cost/profile/training_step.h"

#include <gtest/gtest.h>

#include "moai/cluster/cluster_file.h"

namespace moai::compiler::cost {
namespace {

cluster::Cluster a100() {
  auto read = cluster::read_cluster(std::string(MOAI_CLUSTERS) + "/a100-80-dgx.toml");
  EXPECT_TRUE(read.ok()) << read.status().to_string();
  return std::move(read).value();
}

SoftwareProfile plain() {
  return {
      .name = "plain",
      .gemm_efficiency = 0.7,
      .traffic = 1,
  };
}

TrainingRun gpt() {
  return {.hidden = 4096,
          .heads = 32,
          .layers = 32,
          .sequence = 2048,
          .vocabulary = 51200,
          .batch = 128,
          .micro_batch = 1,
          .tensor = 4,
          .pipeline = 4,
          .data = 8};
}

StepParts parts_of(const TrainingRun& run, const SoftwareProfile& profile = plain()) {
  const auto parts = training_step(profile, a100(), run);
  EXPECT_TRUE(parts.ok()) << parts.status().to_string();
  return parts.ok() ? *parts : StepParts{};
}

TEST(TrainingStep, IsTheSumOfItsParts) {
  const StepParts p = parts_of(gpt());
  const double stage = 8 * (p.layer_forward + p.layer_backward);
  EXPECT_NEAR(
      p.step,
      16 * (stage + p.head) + 3 * stage + p.embedding + p.transfers + p.gradients + p.optimizer,
      1e-9);
  EXPECT_GT(p.transfers, 0);
  EXPECT_GT(p.gradients, 0);
}

TEST(TrainingStep, VirtualStagesDivideTheBubble) {
  TrainingRun run = gpt();
  run.virtual_stages = 2;
  const StepParts p = parts_of(run);
  const double stage = 8 * (p.layer_forward + p.layer_backward);
  EXPECT_NEAR(p.step,
              16 * (stage + p.head) + (3 * stage + p.embedding) / 2 + p.gradients + p.optimizer,
              1e-9);
}

TEST(TrainingStep, OverlappedGradientsCostLess) {
  SoftwareProfile profile = plain();
  const double shown = parts_of(gpt(), profile).gradients;
  profile.data_overlap = true;
  EXPECT_LT(parts_of(gpt(), profile).gradients, shown / 2);
}

TEST(TrainingStep, FullyShardedGathersBesideTheLayers) {
  SoftwareProfile profile = plain();
  profile.data_parallel = DataParallel::kFullySharded;
  TrainingRun run = gpt();
  run.tensor = run.pipeline = 1;
  run.data = 128;
  const StepParts p = parts_of(run, profile);
  const double computed = 32 * (p.layer_forward + p.layer_backward) + p.head + p.embedding;
  EXPECT_GT(p.step, computed);
  EXPECT_LT(p.step, 3 * computed);
  run.tensor = 2;
  run.data = 64;
  EXPECT_FALSE(training_step(profile, a100(), run).ok());
}

TEST(TrainingStep, RefusesWhatDoesNotDivide) {
  const auto refusal = [](void (*change)(TrainingRun*)) {
    TrainingRun run = gpt();
    change(&run);
    return training_step(plain(), a100(), run).status().message();
  };
  EXPECT_EQ(refusal([](TrainingRun* r) { r->pipeline = 3; }),
            "[compiler.profile] stages do not divide the layers");
  EXPECT_EQ(refusal([](TrainingRun* r) { r->virtual_stages = 3; }),
            "[compiler.profile] virtual stages do not divide the layers");
  EXPECT_EQ(refusal([](TrainingRun* r) { r->micro_batch = 3; }),
            "[compiler.profile] micro-batch times data degree does not divide the batch");
  EXPECT_EQ(refusal([](TrainingRun* r) { r->tensor = 64; }),
            "[compiler.profile] the tensor degree does not divide the heads");
  EXPECT_EQ(refusal([](TrainingRun* r) { r->tensor = 0; }),
            "[compiler.profile] the tensor degree does not divide the heads");
  EXPECT_EQ(refusal([](TrainingRun* r) {
              r->data = 4096;
              r->batch = 4096;
            }),
            "[compiler.profile] the run takes 65536 devices; a100-80-dgx has 8192");
  EXPECT_NE(refusal([](TrainingRun* r) { r->hidden = 0; }), "");
}

}  // namespace
}  // namespace moai::compiler::cost
