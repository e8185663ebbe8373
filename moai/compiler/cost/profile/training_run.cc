#include "moai/compiler/cost/profile/training_run.h"

namespace moai::compiler::cost {
namespace {

// Forward FLOPs of all layers, without scores.
double layers_forward(const TrainingRun& r) {
  const auto h = static_cast<double>(r.hidden);
  return 24 * r.tokens() * static_cast<double>(r.layers) * h * h;
}

double flops(const TrainingRun& r, double passes) {
  const auto h = static_cast<double>(r.hidden);
  const auto l = static_cast<double>(r.layers);
  // The head is not recomputed: three passes of it.
  const double scores = static_cast<double>(r.sequence) / (6 * h);
  const double head = 3 / passes * static_cast<double>(r.vocabulary) / (12 * l * h);
  return passes * layers_forward(r) * (1 + scores + head);
}

}  // namespace

double parameters(const TrainingRun& r) {
  const auto h = static_cast<double>(r.hidden);
  return 12 * static_cast<double>(r.layers) * h * h * (1 + 13 / (12 * h)) +
         static_cast<double>(r.vocabulary + r.sequence) * h;
}

double model_flops(const TrainingRun& r) { return flops(r, 3); }

double hardware_flops(const TrainingRun& r) {
  return flops(r, r.recompute == Recompute::kFull ? 4 : 3);
}

}  // namespace moai::compiler::cost
