#include <ATen/OpMathType.h>
#include <ATen/TensorOperators.h>
#include <ATen/core/Tensor.h>

#include <numeric>

#include "moai/device/aten/substitution/stack_arguments.h"
#include "moai/device/aten/substitution/substitution.h"

namespace moai::device {
namespace {

using at::Tensor;

std::vector<int64_t> range(int64_t begin, int64_t end) {
  std::vector<int64_t> dims(static_cast<size_t>(end - begin));
  std::iota(dims.begin(), dims.end(), begin);
  return dims;
}

// (grad_out, input, normalized_shape, rstd, weight, output_mask) → (grad_input, grad_weight)
void rms_norm_backward(torch::jit::Stack& stack) {
  const Tensor input = tensor_at(stack, 1);
  const auto weight = optional_tensor_at(stack, 4);
  const auto mask = stack.at(5).toBoolList();
  const int64_t rest = input.dim() - static_cast<int64_t>(stack.at(2).toIntList().size());
  const auto type = at::toOpMathType(input.scalar_type());
  const Tensor grad = tensor_at(stack, 0).to(type);
  const Tensor rstd = tensor_at(stack, 3).to(type);
  const Tensor normal = input.to(type) * rstd;
  Tensor of_input, of_weight;
  if (mask.get(0)) {
    const Tensor g = weight ? grad * weight->to(type) : grad;
    const Tensor mean = (g * normal).mean(range(rest, input.dim()), /*keepdim=*/true);
    of_input = (rstd * (g - normal * mean)).to(input.scalar_type());
  }
  if (weight && mask.get(1)) {
    of_weight = grad * normal;
    if (rest) of_weight = of_weight.sum(range(0, rest));
    of_weight = of_weight.to(weight->scalar_type());
  }
  finish(stack, of_input, of_weight);
}

// (self, mask, scale): the backward of a fused dropout.
void masked_scale(torch::jit::Stack& stack) {
  const Tensor self = tensor_at(stack, 0);
  finish(stack, (self * tensor_at(stack, 1) * stack.at(2).toDouble()).to(self.scalar_type()));
}

constexpr SubstitutionRow kRows[] = {
    {"aten::_fused_rms_norm_backward", rms_norm_backward},
    {"aten::_masked_scale", masked_scale},
};

}  // namespace

std::span<const SubstitutionRow> norm_substitutions() { return kRows; }

}  // namespace moai::device
