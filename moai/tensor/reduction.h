// Reduction: how values of several ranks, or along a dimension, become one.
//
// The numbers and names go over wires and stand in text forms: append only.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "moai/tensor/dtype.h"

namespace moai::tensor {

enum class Reduction : uint8_t {
  kSum = 0,
  kMax = 1,
  kMin = 2,
  kAll = 3,  // logical and
  kAny = 4,  // logical or
  kProduct = 5,
  kNorm2 = 6,  // square root of the sum of squares
};

// "sum", "max", "min", "all", "any", "product", "norm2"; "?" for a number that is no Reduction.
std::string_view reduction_name(Reduction reduction);
std::optional<Reduction> reduction_from_name(std::string_view name);
bool is_reduction(uint8_t number);

// Whether what several ranks have alike is also their reduction.
constexpr bool is_idempotent(Reduction r) {
  return r == Reduction::kMax || r == Reduction::kMin || r == Reduction::kAll ||
         r == Reduction::kAny;
}

// Whether there is sense in reducing elements of this type so, and ranks can do it: booleans have
// no sum, complex numbers no order, halves of complex numbers nothing.
bool can_reduce(DType dtype, Reduction reduction);

}  // namespace moai::tensor
