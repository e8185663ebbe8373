// Copies between host and device, and values read back.
//
// Host to device never waits: the bytes are copied before the call returns. Device to host waits
// until they are computed.
#pragma once

#include "moai/front/torch_headers.h"

namespace moai::front {

at::Tensor& copy_into(at::Tensor& destination, const at::Tensor& source, bool non_blocking);
at::Tensor copy_from(const at::Tensor& source, const at::Tensor& destination, bool non_blocking);
at::Scalar read_scalar(const at::Tensor& tensor);

}  // namespace moai::front
