// How the weights (and buffers) of a planned window lie on its ranks, for people to read.
#pragma once

#include <vector>

#include "moai/compiler/planner/plan_window.h"

namespace moai::compiler {

struct WeightLayout {
  tensor::DType dtype{};
  std::vector<int64_t> whole{};  // sizes
  std::vector<int64_t> part{};   // of rank 0
  graph::LineId line = 0;        // of the call that uses it first

  bool operator==(const WeightLayout&) const = default;
};

// In order of first use.
std::vector<WeightLayout> weight_layouts(const PlannedWindow& planned);

}  // namespace moai::compiler
