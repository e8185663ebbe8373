// reduce: the arithmetic of collectives, the same for every transport.
//
// Each element is (r0 + r1) + r2 + …, in the order of ranks, whatever the count and the place, so
// the bits of a result depend on nothing but the parts. f16 and bf16 are added in f32 and rounded
// once. norm2 adds squares in f64. Integers wrap. NaN wins in max and min.
#pragma once

#include <cstddef>
#include <span>

#include "moai/base/status.h"
#include "moai/tensor/dtype.h"
#include "moai/tensor/reduction.h"

namespace moai::comm {

// INVALID_ARGUMENT where the reduction makes no sense for elements of this type.
Status check_reducible(tensor::DType dtype, tensor::Reduction reduction);

// Reduces `count` elements; parts[r] are those of rank r, at any alignment. `out` may be one of the
// parts but must not overlap one otherwise. Only for what check_reducible() lets through.
void reduce(std::span<const std::byte* const> parts, size_t count, tensor::DType dtype,
            tensor::Reduction reduction, std::byte* out);

}  // namespace moai::comm
