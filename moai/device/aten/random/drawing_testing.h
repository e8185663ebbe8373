// For tests: calls drawing operators by name, and torch's own kernel of the same name to compare.
#pragma once

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <ATen/core/dispatch/Dispatcher.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>

#include "moai/device/aten/random/drawing.h"

namespace moai::device::testing {

inline constexpr uint64_t kSeed = 0x5eed5eed12345678;

inline c10::IValue no_generator() { return c10::IValue(); }

// The first result of `op` ("aten::normal.Tensor_float" has its overload in the name), all on the
// stack in `results`.
struct Call {
  std::string op;
  uint64_t seed = kSeed;
  uint64_t counter = 7;

  template <typename... Arguments>
  torch::jit::Stack all(Arguments&&... arguments) const {
    const auto [name, overload] = split();
    const DrawingKernel* kernel = find_drawing_kernel(name, overload);
    if (kernel == nullptr) throw std::runtime_error("no kernel for " + op);
    torch::jit::Stack stack;
    torch::jit::push(stack, std::forward<Arguments>(arguments)...);
    (*kernel)(stack, {seed, counter});
    return stack;
  }

  template <typename... Arguments>
  at::Tensor operator()(Arguments&&... arguments) const {
    return all(std::forward<Arguments>(arguments)...).at(0).toTensor();
  }

  // What torch's CPU kernel answers, with its global generator.
  template <typename... Arguments>
  torch::jit::Stack torch_all(Arguments&&... arguments) const {
    const auto [name, overload] = split();
    torch::jit::Stack stack;
    torch::jit::push(stack, std::forward<Arguments>(arguments)...);
    c10::Dispatcher::singleton()
        .findSchemaOrThrow(name.c_str(), overload.c_str())
        .callBoxed(&stack);
    return stack;
  }

  std::pair<std::string, std::string> split() const {
    const size_t dot = op.find('.');
    if (dot == std::string::npos) return {op, ""};
    return {op.substr(0, dot), op.substr(dot + 1)};
  }
};

inline Call draw(std::string op, uint64_t counter = 7) {
  return Call{"aten::" + std::move(op), kSeed, counter};
}

template <typename Function>
std::string error_of(const Function& function) {
  try {
    function();
  } catch (const c10::NotImplementedError& error) {
    return std::string("NotImplementedError: ") + error.what_without_backtrace();
  } catch (const c10::Error& error) {
    return std::string("Error: ") + error.what_without_backtrace();
  } catch (const std::exception& error) {
    return std::string("exception: ") + error.what();
  }
  return "no error";
}

// Both kernels refuse the arguments, with the same class and text.
template <typename... Arguments>
void expect_torch_error(const Call& call, const Arguments&... arguments) {
  const std::string ours = error_of([&] { call.all(arguments...); });
  const std::string torchs = error_of([&] { call.torch_all(arguments...); });
  EXPECT_EQ(ours, torchs) << call.op;
  EXPECT_NE(ours, "no error") << call.op;
}

inline bool same_bits(const at::Tensor& a, const at::Tensor& b) {
  return a.scalar_type() == b.scalar_type() && at::equal(a, b);
}

// sup |F_n - F| of a one-dimensional sample, times sqrt(n): above 1.95 in one sample of a thousand.
template <typename Distribution>
double kolmogorov(const at::Tensor& sample, const Distribution& cumulative) {
  const at::Tensor sorted = std::get<0>(sample.flatten().to(at::kDouble).sort());
  const double* value = sorted.const_data_ptr<double>();
  const int64_t n = sorted.numel();
  double greatest = 0;
  for (int64_t i = 0; i < n; ++i) {
    const double expected = cumulative(value[i]);
    greatest = std::max({greatest, expected - static_cast<double>(i) / n,
                         static_cast<double>(i + 1) / n - expected});
  }
  return greatest * std::sqrt(static_cast<double>(n));
}

}  // namespace moai::device::testing
