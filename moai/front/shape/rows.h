// Rows: the shape functions of operators, one table a family.
//
// A shape function is an ordinary function with the operator's schema that returns meta tensors.
#pragma once

#include <span>
#include <string>

#include "moai/front/torch_headers.h"

namespace moai::front::shape {

struct Row {
  enum class Kind : uint8_t {
    kTorch,  // torch's own shape function: takes meta tensors and host scalars only
    kOurs,   // reads nothing but the geometry of its arguments
    kKeeps,  // no function: the operator writes arguments and resizes none
  };
  using Function = void (*)();

  const char* name;      // "aten::add"
  const char* overload;  // "Tensor"
  Kind kind;
  Function function;
  c10::KernelFunction (*box)(Function);  // makes `function` callable with a stack
};

template <class F>
c10::KernelFunction box(Row::Function function) {
  return c10::KernelFunction::makeFromUnboxedRuntimeFunction(reinterpret_cast<F*>(function));
}

// Op is a struct of ATen/Operators.h: torch<at::_ops::add_Tensor>(at::meta::add)
template <class Op>
Row torch(typename Op::schema* function) {
  return {Op::name, Op::overload_name, Row::Kind::kTorch, reinterpret_cast<Row::Function>(function),
          &box<typename Op::schema>};
}

template <class Op, class F>
Row ours(F* function) {
  return {Op::name, Op::overload_name, Row::Kind::kOurs, reinterpret_cast<Row::Function>(function),
          &box<F>};
}

template <class Op>
Row keeps() {
  return {Op::name, Op::overload_name, Row::Kind::kKeeps, nullptr, nullptr};
}

// structured/: torch's functions
std::span<const Row> activation_rows();
std::span<const Row> algebra_rows();
std::span<const Row> arithmetic_rows();
std::span<const Row> image_rows();
std::span<const Row> index_rows();
std::span<const Row> pooling_rows();
std::span<const Row> reduction_rows();
std::span<const Row> special_rows();
std::span<const Row> unary_rows();

// own/: where torch has none in C++
std::span<const Row> attention_rows();
std::span<const Row> convolution_rows();
std::span<const Row> copy_rows();
std::span<const Row> embedding_rows();
std::span<const Row> foreach_rows();
std::span<const Row> keeping_rows();
std::span<const Row> loss_rows();
std::span<const Row> norm_rows();
std::span<const Row> order_rows();
std::span<const Row> padding_rows();
std::span<const Row> pointwise_rows();
std::span<const Row> product_rows();
std::span<const Row> range_rows();
std::span<const Row> recurrent_rows();
std::span<const Row> sampling_rows();
std::span<const Row> scalar_rows();
std::span<const Row> statistics_rows();
std::span<const Row> window_rows();

}  // namespace moai::front::shape
