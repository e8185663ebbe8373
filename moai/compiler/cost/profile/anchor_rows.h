// Published measurements of training steps, from bench/anchors/rows.toml.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "moai/base/status.h"
#include "moai/compiler/cost/profile/training_run.h"
#include "moai/compiler/cost/profile/training_step.h"

namespace moai::compiler::cost {

enum class Measure : uint8_t {
  kStepSeconds = 0,
  kTflopsPerDevice = 1,  // of hardware_flops
  kTokensPerSecondPerDevice = 2,
  kLayerForwardMs = 3,
  kLayerBackwardMs = 4,
};

struct AnchorRow {
  std::string profile{};
  std::string name{};
  std::string source{};
  std::string assumed{};  // what of the run is not printed there; may be empty
  bool fitted = false;    // the profile's constants are fitted to it
  TrainingRun run{};
  Measure measure = Measure::kStepSeconds;
  double value = 0;
};

Result<std::vector<AnchorRow>> anchor_rows_from_toml(std::string_view text,
                                                     const std::string& path);

// Seconds that were measured, and the part of a prediction that they are to be compared with.
double measured_seconds(const AnchorRow& row);
double predicted_seconds(const AnchorRow& row, const StepParts& parts);

}  // namespace moai::compiler::cost
