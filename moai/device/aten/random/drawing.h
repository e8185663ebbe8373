// The drawing operators of a Worker. What one draws is a function of (seed, counter, row-major
// index in the logical tensor): the same bits for any strides, batching, thread and device count.
// The mapping is written down in docs/design/003-drawing.md.
#pragma once

#include <ATen/core/stack.h>

#include <string_view>

#include "moai/device/aten/random/philox.h"

namespace moai::device {

// Takes the arguments of the operator's schema off the stack and puts its results there. The value
// in the schema's generator slot is ignored. A part is drawn (`stream.elements`) where the numbers
// belong to elements, see moai/ops/share.h. Throws c10::Error with torch's texts, and
// c10::NotImplementedError for an operator that is known to draw but has no kernel here. Runs on
// the calling thread and at::parallel_for; thread-safe as far as its tensors are.
using DrawingKernel = void (*)(torch::jit::Stack& stack, PhiloxStream stream);

// The kernel of e.g. ("aten::uniform_", "") or ("aten::normal", "Tensor_float"); null for an
// operator that does not draw. The pointer stays valid forever. Thread-safe.
const DrawingKernel* find_drawing_kernel(std::string_view op, std::string_view overload);

}  // namespace moai::device
