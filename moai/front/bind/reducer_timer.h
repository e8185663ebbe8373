// Times of DistributedDataParallel's reducer, which asks for a timer of its parameters' device.
// They are the host's: its figures are about the host's side of a step.
#pragma once

namespace moai::front {

// Before a model is wrapped. Again: does nothing.
void register_reducer_timer();

}  // namespace moai::front
