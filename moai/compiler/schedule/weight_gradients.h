// Puts weight gradients where a pipeline would stand still.
#pragma once

#include <optional>

#include "moai/compiler/schedule/costs.h"

namespace moai::compiler::schedule {

// When a waiting weight gradient may delay what comes after the gap.
struct Filling {
  double least_gap = 1;  // never, if it fits (1); always (0); or by this part of its own time
  // Also where waiting would make this the device that has waited longest.
  bool spare_the_longest = false;
};

// Keeps the order of the skeleton's forwards and backwards (or input gradients) on each device and
// runs each backward in two parts: the weight gradient into a gap that `filling` allows, or when
// the next forward would not fit into limit_bytes[device] (empty: no limit), or at the end. First
// come, first served. Nothing if the forwards do not fit even so.
//
// The skeleton must not deadlock and `costs` must be of its stages; 0 <= kept_bytes <= held_bytes.
// Tasks · log(devices).
std::optional<Schedule> place_weight_gradients(const Schedule& skeleton, const Costs& costs,
                                               const std::vector<int64_t>& limit_bytes,
                                               const Filling& filling);

}  // namespace moai::compiler::schedule
