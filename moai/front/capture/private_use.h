// What torch brings along for CUDA and leaves to the device under PrivateUse1.
#pragma once

#include "moai/front/torch_headers.h"

namespace moai::front {

// Autocast with CUDA's lists, the identity of parameters that move, and fused attention, whose
// kernels go into `aten`. Once, when the device is of the private kind.
void register_private_use(torch::Library& aten);

}  // namespace moai::front
