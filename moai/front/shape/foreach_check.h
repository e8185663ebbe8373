// Checks of operators that write lists of tensors in place and return nothing.
#pragma once

#include <string_view>

#include "moai/front/torch_headers.h"

namespace moai::front::shape {

// "aten::_foreach_add_.List", "aten::_fused_adamw_", "aten::_amp_foreach_…unscale_"
bool writes_lists(std::string_view name);

// Raises torch's text where lists differ in length or an operand does not expand to its tensor.
void check_lists(std::string_view name, c10::ArrayRef<c10::IValue> arguments);

}  // namespace moai::front::shape
