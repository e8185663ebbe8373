// Turns a function of operators.h into a DrawingKernel.
#pragma once

#include <ATen/core/stack.h>

#include <tuple>
#include <type_traits>
#include <utility>

#include "moai/device/aten/random/operators.h"

namespace moai::device {

template <typename Argument>
Argument take_argument(const c10::IValue& value) {
  if constexpr (std::is_same_v<Argument, NoGenerator>) {
    return {};
  } else {
    return value.to<Argument>();
  }
}

template <auto Function>
struct Binding;

template <typename Return, typename... Arguments, Return (*Function)(PhiloxStream, Arguments...)>
struct Binding<Function> {
  static void call(torch::jit::Stack& stack, uint64_t seed, uint64_t counter) {
    Return result = call_with(stack, {seed, counter}, std::index_sequence_for<Arguments...>());
    torch::jit::drop(stack, sizeof...(Arguments));
    if constexpr (std::is_same_v<Return, Tensor>) {
      torch::jit::push(stack, std::move(result));
    } else {
      torch::jit::push(stack, std::get<0>(std::move(result)), std::get<1>(std::move(result)));
    }
  }

 private:
  template <size_t... Index>
  static Return call_with(const torch::jit::Stack& stack, PhiloxStream stream,
                          std::index_sequence<Index...>) {
    constexpr size_t kCount = sizeof...(Arguments);
    return Function(stream, take_argument<Arguments>(torch::jit::peek(stack, Index, kCount))...);
  }
};

}  // namespace moai::device
