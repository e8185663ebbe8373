// Whether a call gives the same bits on one thread as on all, tried on drawn operands.
//
// How a matrix product is split among threads decides for some shapes where partial sums meet; that
// depends on the library and the processor, so it is tried where it runs.
#pragma once

#include <functional>

#include "moai/device/device.h"

namespace moai::device {

// Runs the call on one thread or on all.
using TrialRun = std::function<Status(bool one_thread, std::span<Buffer* const> operands,
                                      std::span<const uint64_t> words, std::span<BufferPtr> fresh)>;

// False, too, for a call with arguments that cannot be drawn, or that fails.
bool same_on_one_thread(const ops::CallSignature& signature, const TrialRun& run);

}  // namespace moai::device
