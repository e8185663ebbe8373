// The published schedules whose order does not depend on times. In each of them the weight
// gradients of a stage come in the order of micro-batches, so that all sum them alike.
//
// Any number of devices, chunks and micro-batches above zero; zero of any gives an empty schedule.
#pragma once

#include "moai/compiler/schedule/schedule.h"

namespace moai::compiler::schedule {

// Device d runs warm_ups[d] forwards, then a backward and a forward by turns. An order that can run
// needs 1 <= warm_ups[d + 1] <= warm_ups[d].
Schedule by_turns(const std::vector<uint32_t>& warm_ups, uint32_t micro_batches);

// All forwards, then all backwards.
Schedule gpipe(uint32_t devices, uint32_t micro_batches);

// As few micro-batches in flight as keep the pipeline full: devices - d on device d.
Schedule one_forward_one_backward(uint32_t devices, uint32_t micro_batches);

// 1F1B over looping chunks. Micro-batches go through a device's chunks in groups of `group` or more
// (0: as many as devices). What does not divide is spread over the groups, none of which is ever
// shorter than `group` while there are as many micro-batches: a short one would stall every chunk.
// Groups above the number of devices hide the transfers from the last device back to the first.
Schedule interleaved(uint32_t devices, uint32_t chunks, uint32_t micro_batches, uint32_t group = 0);

// 1F1B with the backward in two parts; weight gradients lag d micro-batches behind on device d.
// Peak memory is that of 1F1B.
Schedule zb_h1(uint32_t devices, uint32_t micro_batches);

// As zb_h1 with 2·(devices - d) - 1 forwards before the first backward and twice the lag: no bubble
// where all three parts take equally long, for twice the memory.
Schedule zb_h2(uint32_t devices, uint32_t micro_batches);

// Two chunks a device in the shape of a V, weight gradients right behind input gradients. Peak
// memory is that of 1F1B, on every device.
Schedule zb_v(uint32_t devices, uint32_t micro_batches);

// As zb_v in about half, and a third, of 1F1B's memory. Where all three parts take equally long,
// their bubbles are about a half, and two thirds, of 1F1B's.
Schedule v_half(uint32_t devices, uint32_t micro_batches);
Schedule v_min(uint32_t devices, uint32_t micro_batches);

}  // namespace moai::compiler::schedule
