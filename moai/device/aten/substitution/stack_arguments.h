// Reading a stack of arguments that belong to one operator.
#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/core/stack.h>

#include <optional>

namespace moai::device {

// None is an undefined tensor.
inline at::Tensor tensor_at(const torch::jit::Stack& stack, size_t index) {
  return stack.at(index).isNone() ? at::Tensor() : stack[index].toTensor();
}
inline std::optional<at::Tensor> optional_tensor_at(const torch::jit::Stack& stack, size_t index) {
  at::Tensor tensor = tensor_at(stack, index);
  return tensor.defined() ? std::optional(std::move(tensor)) : std::nullopt;
}
inline std::optional<double> optional_double_at(const torch::jit::Stack& stack, size_t index) {
  return stack.at(index).isNone() ? std::nullopt : std::optional(stack[index].toDouble());
}

template <typename... Results>
void finish(torch::jit::Stack& stack, Results&&... results) {
  stack.clear();
  torch::jit::push(stack, std::forward<Results>(results)...);
}

}  // namespace moai::device
