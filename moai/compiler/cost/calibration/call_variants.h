// Calls to measure: one call of an operator becomes calls of many sizes and element types.
//
// What may grow and shrink are the factors of the call's dimensions (moai/ops/sharding/rule.h), so
// that operands still fit together; of operators over lists also how many there are.
#pragma once

#include <span>
#include <vector>

#include "moai/ops/call_text.h"

namespace moai::compiler::cost {

struct VariantLimits {
  double bytes_max = 16e6;       // that a call touches
  double list_bytes_max = 64e6;  // one over lists: an optimizer touches all that a model has
  double flops_max = 4e8;
  // A call of more stands for itself: it is measured as it is, up to so many.
  double scaled_flops_max = 5e6, whole_flops_max = 1e9;
  std::vector<tensor::DType> dtypes{tensor::DType::kFloat64, tensor::DType::kFloat32};
};

// Distinct signatures with their words, each with storages of its own. A variant may be one that
// the operator refuses: whoever measures notices.
std::vector<ops::BoundCall> call_variants(std::span<const ops::BoundCall> calls,
                                          const VariantLimits& limits = {});

}  // namespace moai::compiler::cost
