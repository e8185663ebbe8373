// TrainingRun: a step of a GPT-like transformer and how it is spread over devices.
#pragma once

#include <cstdint>

namespace moai::compiler::cost {

enum class Recompute : uint8_t { kNone = 0, kSelective = 1, kFull = 2 };

struct TrainingRun {
  int64_t hidden = 0;
  int64_t heads = 0;
  int64_t layers = 0;
  int64_t sequence = 0;
  int64_t vocabulary = 0;
  int64_t batch = 0;  // sequences of a step, over all devices
  int64_t micro_batch = 1;
  int tensor = 1;
  int pipeline = 1;
  int data = 1;
  int virtual_stages = 1;  // a device
  bool sequence_parallel = false;
  Recompute recompute = Recompute::kNone;

  int devices() const { return tensor * pipeline * data; }
  int64_t micro_batches() const { return batch / (micro_batch * data); }
  double tokens() const { return static_cast<double>(batch * sequence); }
  bool operator==(const TrainingRun&) const = default;
};

// 12 L h² (1 + 13 ÷ 12h) and the embeddings.
double parameters(const TrainingRun& run);

// FLOPs of a step, scores counted whole: 72 B s L h² (1 + s ÷ 6h + V ÷ 12 L h); with everything
// recomputed 96 B s L h² (1 + s ÷ 6h + V ÷ 16 L h).
double model_flops(const TrainingRun& run);
double hardware_flops(const TrainingRun& run);

}  // namespace moai::compiler::cost
