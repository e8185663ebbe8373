// FLOPs of products, convolutions and attention: one row an operator.
#pragma once

#include <string_view>

#include "moai/compiler/cost/call_work.h"

namespace moai::compiler::cost {

// Fills kind, dtype, flops, product and products where `base`, the operator's name without its
// namespace and a trailing "_", has a row and the call its operands; else leaves `work` as it is.
void count_products(std::string_view base, const ops::CallSignature& s, CallWork* work);

}  // namespace moai::compiler::cost
