// ForeachCall: an operator over lists of tensors, run by our loops without the library.
//
// The library's CPU kernels for them take each tensor through a dispatch and an iterator of its
// own, which costs more than the arithmetic of a small parameter. Results have the same bits.
#pragma once

#include <c10/core/Device.h>

#include <memory>

#include "moai/device/device.h"

namespace moai::device {

// Null where the loops do not cover the call: another operator, dtypes other than float32 and
// float64, tensors of one place in the lists that lie differently. Storages that overlap, and
// scalars that do not fit the dtype, are seen when it runs and go to the library then.
std::unique_ptr<Call> make_foreach_call(const ops::CallSignature& signature, c10::Device device);

}  // namespace moai::device
