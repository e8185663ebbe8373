#include "moai/compiler/cost/profile/layer_time.h"

#include <gtest/gtest.h>

#include "moai/cluster/cluster_file.h"

namespace moai::compiler::cost {
namespace {

// 1 FLOP/s and a byte a second, so that times are counts.
cluster::Cluster counting() {
  cluster::Cluster c;
  c.devices_per_node = 8;
  c.device.memory_bytes_per_s = 1;
  c.device.peak = {.fp64 = 1, .fp32 = 1, .tf32 = 1, .fp16 = 1, .bf16 = 1};
  c.device.fitted = {.gemm_efficiency = 1, .gemm_ramp = 0, .attention_efficiency = 1};
  c.node_link = {.bytes_per_s = 1};
  return c;
}

TrainingRun small() {
  return {.hidden = 64,
          .heads = 4,
          .layers = 2,
          .sequence = 32,
          .vocabulary = 128,
          .batch = 2,
          .micro_batch = 2};
}

LayerTime layer(const TrainingRun& run, const SoftwareProfile& profile) {
  const cluster::Cluster c = counting();
  return layer_time({.profile = profile, .cluster = c, .device = c.device, .run = run});
}

// Tokens 64, hidden 64.
constexpr double kActivation = 64 * 64;
constexpr double kLinears = 24 * 64.0 * 64 * 64;  // 24 T h²
constexpr double kScores = 2 * 4 * 32 * 32;

TEST(LayerTime, CountsProductsScoresAndElements) {
  const LayerTime t = layer(small(), {});
  EXPECT_DOUBLE_EQ(t.forward, kLinears + 4 * 16 * kScores + 9 * kScores + (22 + 16) * kActivation);
  EXPECT_DOUBLE_EQ(t.backward,
                   2 * (kLinears + 4 * 16 * kScores) + 11 * kScores + (38 + 38) * kActivation);
}

TEST(LayerTime, FusedAttentionSkipsWhatIsMasked) {
  const LayerTime t = layer(small(), {.attention = AttentionKernel::kFused});
  const double pairs = 2 * 32 * 33 / 2.0;
  EXPECT_DOUBLE_EQ(t.forward, kLinears + 4 * pairs * 64 + 38 * kActivation);
}

TEST(LayerTime, RecomputationIsForwardOnceMore) {
  const LayerTime kept = layer(small(), {});
  TrainingRun run = small();
  run.recompute = Recompute::kFull;
  EXPECT_DOUBLE_EQ(layer(run, {}).backward, kept.backward + kept.forward);
  run.recompute = Recompute::kSelective;
  EXPECT_DOUBLE_EQ(layer(run, {}).backward, kept.backward + (4 * 16 + 9) * kScores);
}

TEST(LayerTime, TensorParallelismAddsTwoAllReducesEachWay) {
  TrainingRun run = small();
  run.tensor = 2;
  const double rest = (kLinears + (4 * 16 + 9) * kScores + 16 * kActivation) / 2 + 22 * kActivation;
  const double all_reduce = 2 * kActivation;  // 2 (t - 1) ÷ t of two bytes each
  EXPECT_DOUBLE_EQ(layer(run, {}).forward, rest + 2 * all_reduce);
  run.sequence_parallel = true;
  EXPECT_DOUBLE_EQ(layer(run, {}).forward, rest + 2 * all_reduce - 11 * kActivation);
}

TEST(LayerTime, OverlapHidesWhatItSays) {
  TrainingRun run = small();
  run.tensor = 2;
  const auto with = [&](TensorOverlap overlap) { return layer(run, {.tensor_overlap = overlap}); };
  const LayerTime none = with(TensorOverlap::kNone);
  const double all = 2 * 2 * kActivation;
  EXPECT_DOUBLE_EQ(with(TensorOverlap::kWeightGradients).forward, none.forward);
  EXPECT_DOUBLE_EQ(with(TensorOverlap::kWeightGradients).backward, none.backward - all);
  EXPECT_DOUBLE_EQ(with(TensorOverlap::kChunks).forward, none.forward - all / 2);
  run.sequence_parallel = true;
  EXPECT_DOUBLE_EQ(
      with(TensorOverlap::kNone).backward - with(TensorOverlap::kWeightGradients).backward,
      all / 2);
}

// Galvatron's profile of a layer of Llama-2-7B on A100: 4.0 to 4.4 ms a sample. Its three matrices
// of 11008 have the FLOPs of two of four hidden widths; nothing is fitted to it.
TEST(LayerTime, ALlamaLayerOnA100IsWhatOthersMeasured) {
  const auto c = cluster::read_cluster(std::string(MOAI_CLUSTERS) + "/a100-80-dgx.toml");
  ASSERT_TRUE(c.ok()) << c.status().to_string();
  const SoftwareProfile profile{.attention = AttentionKernel::kFused};
  const TrainingRun run{
      .hidden = 4096, .heads = 32, .layers = 32, .sequence = 2048, .vocabulary = 32000, .batch = 1};
  const LayerTime t =
      layer_time({.profile = profile, .cluster = *c, .device = c->device, .run = run});
  EXPECT_NEAR(t.forward, 4.2e-3, 0.3e-3);
}

TEST(LayerTime, HeadAndEmbeddingCountTheVocabulary) {
  const cluster::Cluster c = counting();
  const SoftwareProfile profile{.logit_bytes = 10};
  const TrainingRun run = small();
  const LayerSetting setting{.profile = profile, .cluster = c, .device = c.device, .run = run};
  EXPECT_DOUBLE_EQ(head_seconds(setting), 3 * 2 * 64.0 * 64 * 128 + 10 * 64 * 128);
  EXPECT_DOUBLE_EQ(embedding_seconds(setting), 10 * kActivation);
}

}  // namespace
}  // namespace moai::compiler::cost
