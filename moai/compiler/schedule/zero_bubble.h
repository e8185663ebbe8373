// Zero-bubble schedules for stages that take any times, under a memory limit.
//
// Orders of forwards and backwards are tried with several ways to put weight gradients into their
// gaps; the shortest step wins. With the memory of 1F1B this gives ZB-H1 or better, with twice that
// the published ZB-2p or better, over a V the published ZB-V.
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

// Two stages a device, in a V. RESOURCE_EXHAUSTED below what zb_v needs, which is the memory of
// 1F1B.
Result<Planned> zero_bubble_v(uint32_t micro_batches, const Costs& costs,
                              const std::vector<int64_t>& limit_bytes, StepEnd end);

// The given order of forwards and backwards, with weight gradients in its gaps.
Result<Planned> fill(const Schedule& skeleton, const Costs& costs,
                     const std::vector<int64_t>& limit_bytes, StepEnd end);

}  // namespace moai::compiler::schedule
