// Calls for the tests of this folder: the CPU kernel and infer() on the same arguments.
#pragma once

#include <string>
#include <vector>

#include "moai/front/torch_headers.h"

namespace moai::front::shape {

using Values = std::vector<c10::IValue>;

// Compares sizes, strides and types of all results, or the errors raised. Empty when they agree,
// else a line that says where not. Also fails the program when infer()
// went through the dispatcher. Trailing arguments with defaults may be left out.
std::string difference(const std::string& name, Values arguments);

// Tensors in several layouts; values lie in (0, 1), of whole numbers and bools they are one.
at::Tensor plain(at::IntArrayRef sizes, c10::ScalarType type = at::kFloat);
at::Tensor transposed(at::IntArrayRef sizes, c10::ScalarType type = at::kFloat);  // all dimensions
at::Tensor channels_last(at::IntArrayRef sizes, c10::ScalarType type = at::kFloat);
at::Tensor sliced(at::IntArrayRef sizes, c10::ScalarType type = at::kFloat);    // with gaps
at::Tensor expanded(at::IntArrayRef sizes, c10::ScalarType type = at::kFloat);  // stride 0 first
at::Tensor indices(at::IntArrayRef sizes);                                      // zeros
at::Tensor number(double value);  // what Python makes of a number among tensors

}  // namespace moai::front::shape
