// Zero-bubble schedules for stages that take any times, under a memory limit.
//
// Orders of forwards and backwards are tried with several ways to put weight gradients into their
// gaps; the shortest step wins. With the memory of 1F1B that equals the published ZB-1p, with twice
// it equals or beats the published ZB-2p; a V has no bubble in 1F1B's memory where the parts of a
// micro-batch take equally long.
#pragma once

#include "moai/compiler/schedule/simulate.h"

namespace moai::compiler::schedule {

struct Planned {
  Schedule schedule;
  Simulation simulation;
};

// One stage a device, limit_bytes[device] of activations (empty: no limit). RESOURCE_EXHAUSTED if
// one micro-batch does not fit. About 12 plays of the schedule.
Result<Planned> zero_bubble(uint32_t micro_batches, const Costs& costs,
                            const std::vector<int64_t>& limit_bytes, StepEnd end);

// Two stages a device, in a V: zb_v, v_half or v_min, whichever fits and is shortest.
// RESOURCE_EXHAUSTED below what v_min needs, a good third of 1F1B's memory. Also about 12 plays.
Result<Planned> zero_bubble_v(uint32_t micro_batches, const Costs& costs,
                              const std::vector<int64_t>& limit_bytes, StepEnd end);

// The given order of forwards and backwards, with weight gradients in its gaps.
Result<Planned> fill(const Schedule& skeleton, const Costs& costs,
                     const std::vector<int64_t>& limit_bytes, StepEnd end);

}  // namespace moai::compiler::schedule
