// Turns a function of operators.h into a DrawingKernel.
#pragma once

#include <ATen/core/stack.h>

#include <optional>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "moai/device/aten/random/kernel_table.h"
#include "moai/device/aten/random/operators.h"

namespace moai::device {

// How a schema calls the type of an argument.
template <typename Argument>
constexpr std::string_view kTypeName = "int?";  // sizes and enumerations that may be missing
template <>
inline constexpr std::string_view kTypeName<Tensor> = "Tensor";
template <>
inline constexpr std::string_view kTypeName<int64_t> = "int";
template <>
inline constexpr std::string_view kTypeName<double> = "float";
template <>
inline constexpr std::string_view kTypeName<bool> = "bool";
template <>
inline constexpr std::string_view kTypeName<at::Scalar> = "Scalar";
template <>
inline constexpr std::string_view kTypeName<NoGenerator> = "Generator?";
template <>
inline constexpr std::string_view kTypeName<std::vector<int64_t>> = "int[]";
template <>
inline constexpr std::string_view kTypeName<std::optional<bool>> = "bool?";
template <>
inline constexpr std::string_view kTypeName<std::optional<at::Device>> = "Device?";

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
  static void call(torch::jit::Stack& stack, PhiloxStream stream) {
    Return result = call_with(stack, stream, std::index_sequence_for<Arguments...>());
    torch::jit::drop(stack, sizeof...(Arguments));
    if constexpr (std::is_same_v<Return, Tensor>) {
      torch::jit::push(stack, std::move(result));
    } else {
      torch::jit::push(stack, std::get<0>(std::move(result)), std::get<1>(std::move(result)));
    }
  }

  // "Tensor float Generator? -> 1": the arguments' types and the number of results.
  static std::string signature() {
    std::string text;
    (text.append(kTypeName<Arguments>).append(" "), ...);
    return text + (std::is_same_v<Return, Tensor> ? "-> 1" : "-> 2");
  }

 private:
  template <size_t... Index>
  static Return call_with(const torch::jit::Stack& stack, PhiloxStream stream,
                          std::index_sequence<Index...>) {
    constexpr size_t kCount = sizeof...(Arguments);
    return Function(stream, take_argument<Arguments>(torch::jit::peek(stack, Index, kCount))...);
  }
};

template <auto Function>
constexpr KernelRow bind(std::string_view name) {
  return {name, &Binding<Function>::call, &Binding<Function>::signature};
}

}  // namespace moai::device
