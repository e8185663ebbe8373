// The element-wise reduction of what several ranks have, in the order of ranks.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "moai/base/status.h"
#include "moai/tensor/dtype.h"

namespace moai::compiler {

// UNIMPLEMENTED for element types that the tests do not use.
Result<std::string> reduce_bytes(const std::vector<std::string>& parts, tensor::DType dtype,
                                 std::string_view reduction);

}  // namespace moai::compiler
