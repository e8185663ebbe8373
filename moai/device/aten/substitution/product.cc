// Products of half-precision matrices whose result has a wider type.
#include <ATen/core/Tensor.h>
#include <ATen/native/Resize.h>
#include <ATen/ops/addmm.h>
#include <ATen/ops/baddbmm.h>
#include <ATen/ops/bmm.h>
#include <ATen/ops/mm.h>

#include "moai/device/aten/substitution/stack_arguments.h"
#include "moai/device/aten/substitution/substitution.h"

namespace moai::device {
namespace {

using at::Tensor;

// Where these operators have `out_dtype`, after `factors` tensors.
at::ScalarType type_at(const torch::jit::Stack& stack, size_t index) {
  return static_cast<at::ScalarType>(stack.at(index).toInt());
}

void check_type(const Tensor& factor, at::ScalarType type) {
  const bool half = factor.scalar_type() == at::kHalf || factor.scalar_type() == at::kBFloat16;
  TORCH_CHECK(type == factor.scalar_type() || (type == at::kFloat && half),
              "out_dtype must be the same as input dtype or fp32 for fp16/bf16 inputs");
}

template <Tensor (*Product)(const Tensor&, const Tensor&)>
Tensor product(const torch::jit::Stack& stack) {
  const Tensor a = tensor_at(stack, 0);
  const auto type = type_at(stack, 2);
  check_type(a, type);
  return Product(a.to(type), tensor_at(stack, 1).to(type));
}

template <Tensor (*Sum)(const Tensor&, const Tensor&, const Tensor&, const at::Scalar&,
                        const at::Scalar&)>
Tensor sum(const torch::jit::Stack& stack) {
  const Tensor a = tensor_at(stack, 1);
  const auto type = type_at(stack, 3);
  check_type(a, type);
  return Sum(tensor_at(stack, 0).to(type), a.to(type), tensor_at(stack, 2).to(type),
             stack.at(4).toScalar(), stack.at(5).toScalar());
}

template <Tensor (*Make)(const torch::jit::Stack&)>
void fresh(torch::jit::Stack& stack) {
  finish(stack, Make(stack));
}

template <Tensor (*Make)(const torch::jit::Stack&)>
void into(torch::jit::Stack& stack) {
  const Tensor made = Make(stack), out = stack.back().toTensor();
  at::native::resize_output(out, made.sizes());
  out.copy_(made);
  finish(stack, out);
}

constexpr SubstitutionRow kRows[] = {
    {"aten::mm.dtype", fresh<product<at::mm>>},
    {"aten::mm.dtype_out", into<product<at::mm>>},
    {"aten::bmm.dtype", fresh<product<at::bmm>>},
    {"aten::bmm.dtype_out", into<product<at::bmm>>},
    {"aten::addmm.dtype", fresh<sum<at::addmm>>},
    {"aten::addmm.dtype_out", into<sum<at::addmm>>},
    {"aten::baddbmm.dtype", fresh<sum<at::baddbmm>>},
    {"aten::baddbmm.dtype_out", into<sum<at::baddbmm>>},
};

}  // namespace

std::span<const SubstitutionRow> product_substitutions() { return kRows; }

}  // namespace moai::device
