#include "moai/compiler/cost/profile/layer_time.h"

#include "moai/compiler/cost/collective_cost.h"
#include "moai/compiler/cost/kernel_cost.h"

namespace moai::compiler::cost {
namespace {

using cluster::Collective;

constexpr tensor::DType kType = tensor::DType::kBFloat16;
constexpr double kElement = 2;  // bytes

// Bytes of a layer's element-wise kernels, for each token and hidden unit: two norms (4 and 6 bytes
// forward and backward each), two of bias, dropout and residual (7; 5 backward and 6 to add its
// gradients), sums for the biases (4). A rank has all of them, or its part of the sequence.
constexpr double kOutsideForward = 2 * (4 + 7);
constexpr double kOutsideBackward = 2 * (6 + 5 + 6) + 4;
// Inside what tensor parallelism splits: the activation of four hidden widths (read and written;
// its gradient reads two and writes one), sums for the biases of seven widths.
constexpr double kInsideForward = 4 * 4;
constexpr double kInsideBackward = 4 * 6 + 7 * 2;
// For each score: softmax (read, write; backward twice that and a half) and dropout with its mask.
constexpr double kScoreForward = 4 + 5;
constexpr double kScoreBackward = 6 + 5;
// For each token and hidden unit: the row read and written, its gradient added in float32.
constexpr double kEmbedding = 10;

struct Shape {
  double tokens = 0;  // of a micro-batch
  double hidden = 0;
  double tensor = 1;

  double activation() const { return tokens * hidden; }
};

Shape shape_of(const TrainingRun& r) {
  return {.tokens = static_cast<double>(r.micro_batch * r.sequence),
          .hidden = static_cast<double>(r.hidden),
          .tensor = static_cast<double>(r.tensor)};
}

// The four products of a layer in one direction.
double linears(const LayerSetting& s) {
  const TrainingRun& r = s.run;
  const int64_t tokens = r.micro_batch * r.sequence;
  const int64_t h = r.hidden;
  const auto product = [&](int64_t n, int64_t k) {
    return product_seconds(s.device, kType, {.m = tokens, .n = n, .k = k});
  };
  return product(3 * h / r.tensor, h) + product(h, h / r.tensor) + product(4 * h / r.tensor, h) +
         product(h, 4 * h / r.tensor);
}

struct Attention {
  double forward = 0;
  double backward = 0;
};

Attention fused_attention(const LayerSetting& s) {
  const TrainingRun& r = s.run;
  const auto sequence = static_cast<double>(r.sequence);
  const double pairs = sequence * (sequence + 1) / 2 * static_cast<double>(r.micro_batch);
  const double flops = 4 * pairs * static_cast<double>(r.hidden) / r.tensor;
  const double forward = attention_seconds(s.device, kType, flops);
  return {.forward = forward, .backward = 2.5 * forward};
}

Attention unfused_attention(const LayerSetting& s) {
  const TrainingRun& r = s.run;
  const int64_t matrices = r.micro_batch * r.heads / r.tensor;
  const int64_t width = r.hidden / r.heads;
  const double products =
      product_seconds(s.device, kType,
                      {.batch = matrices, .m = r.sequence, .n = r.sequence, .k = width}) +
      product_seconds(s.device, kType,
                      {.batch = matrices, .m = r.sequence, .n = width, .k = r.sequence});
  const auto sequence = static_cast<double>(r.sequence);
  const double scores = static_cast<double>(matrices) * sequence * sequence;
  return {.forward = products + memory_seconds(s.device, kScoreForward * scores),
          .backward = 2 * products + memory_seconds(s.device, kScoreBackward * scores)};
}

Attention attention(const LayerSetting& s) {
  return s.profile.attention == AttentionKernel::kFused ? fused_attention(s) : unfused_attention(s);
}

double collective(const LayerSetting& s, Collective kind) {
  const double bytes = kElement * shape_of(s.run).activation();
  return collective_seconds(s.cluster, kind, bytes, axis_shape(s.cluster, 1, s.run.tensor));
}

double beside(const LayerSetting& s, double computation, double communication) {
  return overlapped_seconds(computation, communication, s.device.fitted.overlap_slowdown);
}

// What tensor parallelism adds to a layer: in each direction two all-reduces, or two pairs of
// all-gather and reduce-scatter; `linear` is the time of the products in one direction.
LayerTime tensor_parallel(const LayerSetting& s, double linear) {
  if (s.run.tensor == 1) return {};
  const double gather = collective(s, Collective::kAllGather);
  const double scatter = collective(s, Collective::kReduceScatter);
  const bool by_sequence = s.run.sequence_parallel;
  const double all = 2 * (by_sequence ? gather + scatter : collective(s, Collective::kAllReduce));
  switch (s.profile.tensor_overlap) {
    case TensorOverlap::kNone:
      return {.forward = all, .backward = all};
    case TensorOverlap::kWeightGradients: {
      // All-gathers of gradients are needed at once; what follows runs beside weight gradients.
      const double at_once = by_sequence ? 2 * gather : 0;
      return {.forward = all, .backward = at_once + beside(s, linear, all - at_once) - linear};
    }
    case TensorOverlap::kChunks: {
      // As many chunks as ranks, of which one is not hidden.
      const double shown = all / s.run.tensor;
      return {.forward = shown + beside(s, linear, all - shown) - linear,
              .backward = shown + beside(s, 2 * linear, all - shown) - 2 * linear};
    }
  }
  return {};
}

}  // namespace

LayerTime layer_time(const LayerSetting& s) {
  const Shape shape = shape_of(s.run);
  const double outside = shape.activation() / (s.run.sequence_parallel ? shape.tensor : 1);
  const double inside = shape.activation() / shape.tensor;
  const auto moved = [&](double outside_bytes, double inside_bytes) {
    return memory_seconds(s.device, outside_bytes * outside + inside_bytes * inside);
  };
  const double linear = linears(s);
  const Attention scores = attention(s);
  const LayerTime added = tensor_parallel(s, linear);
  LayerTime time{
      .forward = linear + scores.forward + moved(kOutsideForward, kInsideForward) + added.forward,
      .backward =
          2 * linear + scores.backward + moved(kOutsideBackward, kInsideBackward) + added.backward};
  if (s.run.recompute == Recompute::kFull) time.backward += time.forward;
  if (s.run.recompute == Recompute::kSelective) time.backward += scores.forward;
  return time;
}

double head_seconds(const LayerSetting& s) {
  const TrainingRun& r = s.run;
  const int64_t tokens = r.micro_batch * r.sequence;
  const int64_t columns = r.vocabulary / r.tensor;
  const double logits = static_cast<double>(tokens * columns);
  double seconds =
      3 * product_seconds(s.device, kType, {.m = tokens, .n = columns, .k = r.hidden}) +
      memory_seconds(s.device, s.profile.logit_bytes * logits);
  // The gradient of its input; what the loss reduces is a few numbers a token.
  if (r.tensor > 1) seconds += collective(s, Collective::kAllReduce);
  return seconds;
}

double embedding_seconds(const LayerSetting& s) {
  double seconds = memory_seconds(s.device, kEmbedding * shape_of(s.run).activation());
  if (s.run.tensor > 1) seconds += collective(s, Collective::kAllReduce);
  return seconds;
}

}  // namespace moai::compiler::cost
