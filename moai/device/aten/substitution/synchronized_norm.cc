// The parts that batch norm over several processes is made of. Statistics of half-precision inputs
// are in single precision.
#include <ATen/OpMathType.h>
#include <ATen/TensorOperators.h>
#include <ATen/core/Tensor.h>
#include <ATen/ops/full.h>
#include <ATen/ops/var_mean.h>

#include "moai/device/aten/substitution/stack_arguments.h"
#include "moai/device/aten/substitution/substitution.h"

namespace moai::device {
namespace {

using at::Tensor;
using MaybeTensor = std::optional<Tensor>;

Tensor widened(const Tensor& t) { return t.to(at::toOpMathType(t.scalar_type())); }

std::vector<int64_t> all_but_channels(const Tensor& input) {
  std::vector<int64_t> dims;
  for (int64_t d = 0; d < input.dim(); ++d) {
    if (d != 1) dims.push_back(d);
  }
  return dims;
}

// One value a channel, as it applies to `input`.
Tensor by_channel(const Tensor& values, const Tensor& input) {
  std::vector<int64_t> sizes(static_cast<size_t>(input.dim()), 1);
  sizes[1] = input.size(1);
  return values.view(sizes);
}

// (input, eps) → (mean, invstd)
void stats(torch::jit::Stack& stack) {
  const Tensor input = tensor_at(stack, 0);
  const auto [variance, mean] = at::var_mean(widened(input), all_but_channels(input), 0);
  finish(stack, mean, (variance + stack.at(1).toDouble()).rsqrt());
}

// (input, weight, bias, mean, invstd, eps)
Tensor normalized(const torch::jit::Stack& stack) {
  const Tensor input = tensor_at(stack, 0);
  const MaybeTensor weight = optional_tensor_at(stack, 1), bias = optional_tensor_at(stack, 2);
  Tensor out = (widened(input) - by_channel(tensor_at(stack, 3), input)) *
               by_channel(tensor_at(stack, 4), input);
  if (weight) out = out * by_channel(*weight, input);
  if (bias) out = out + by_channel(*bias, input);
  return out.to(input.scalar_type());
}

void elements(torch::jit::Stack& stack) { finish(stack, normalized(stack)); }

void elements_out(torch::jit::Stack& stack) {
  const Tensor out = stack.back().toTensor();
  out.copy_(normalized(stack));
  finish(stack, out);
}

void follow(const MaybeTensor& running, const Tensor& value, double momentum) {
  if (running) running->mul_(1 - momentum).add_(value.to(running->scalar_type()), momentum);
}

// (input, mean, invstd, running_mean, running_var, momentum, eps, …) → (mean, invstd) of all, from
// those of each process and how many elements a channel each has.
void gather(torch::jit::Stack& stack, const Tensor& counts) {
  const Tensor mean = tensor_at(stack, 1), invstd = tensor_at(stack, 2);
  const double momentum = stack.at(5).toDouble(), eps = stack.at(6).toDouble();
  const Tensor weights = counts.to(mean.scalar_type()).view({-1, 1}), total = weights.sum();
  const Tensor whole = (weights * mean).sum(0) / total;
  const Tensor spread = (weights * (invstd.pow(-2) - eps + (mean - whole).square())).sum(0);
  follow(optional_tensor_at(stack, 3), whole, momentum);
  follow(optional_tensor_at(stack, 4), spread / (total - 1), momentum);
  finish(stack, whole, (spread / total + eps).rsqrt());
}

void gather_equal(torch::jit::Stack& stack) {
  const Tensor mean = tensor_at(stack, 1);
  gather(stack, at::full({mean.size(0)}, stack.at(7).toInt(), mean.options()));
}

void gather_counted(torch::jit::Stack& stack) { gather(stack, tensor_at(stack, 7)); }

// (grad_out, input, mean, invstd, weight, input_g, weight_g, bias_g) → (sum_dy, sum_dy_xmu,
// grad_weight, grad_bias)
void backward_reduce(torch::jit::Stack& stack) {
  const Tensor input = tensor_at(stack, 1), invstd = tensor_at(stack, 3);
  const MaybeTensor weight = optional_tensor_at(stack, 4);
  const Tensor grad = widened(tensor_at(stack, 0));
  const Tensor centred = widened(input) - by_channel(tensor_at(stack, 2), input);
  const auto dims = all_but_channels(input);
  const Tensor sum = grad.sum(dims), product = (grad * centred).sum(dims);
  const auto type = weight ? weight->scalar_type() : sum.scalar_type();
  const Tensor of_weight = stack.at(6).toBool() ? (product * invstd).to(type) : Tensor();
  const Tensor of_bias = stack.at(7).toBool() ? sum.to(type) : Tensor();
  const bool wanted = stack.at(5).toBool();
  finish(stack, wanted ? sum : Tensor(), wanted ? product : Tensor(), of_weight, of_bias);
}

// (grad_out, input, mean, invstd, weight, sum_dy, sum_dy_xmu, count) → grad_input
void backward_elements(torch::jit::Stack& stack) {
  const Tensor input = tensor_at(stack, 1), invstd = tensor_at(stack, 3);
  const MaybeTensor weight = optional_tensor_at(stack, 4);
  const Tensor count = tensor_at(stack, 7).sum().to(invstd.scalar_type());
  const Tensor centred = widened(input) - by_channel(tensor_at(stack, 2), input);
  const Tensor slope = invstd.square() * tensor_at(stack, 6) / count;
  Tensor grad = widened(tensor_at(stack, 0)) - by_channel(tensor_at(stack, 5) / count, input) -
                centred * by_channel(slope, input);
  grad = grad * by_channel(weight ? invstd * *weight : invstd, input);
  finish(stack, grad.to(input.scalar_type()));
}

constexpr SubstitutionRow kRows[] = {
    {"aten::batch_norm_stats", stats},
    {"aten::batch_norm_elemt", elements},
    {"aten::batch_norm_elemt.out", elements_out},
    {"aten::batch_norm_gather_stats", gather_equal},
    {"aten::batch_norm_gather_stats_with_counts", gather_counted},
    {"aten::batch_norm_backward_reduce", backward_reduce},
    {"aten::batch_norm_backward_elemt", backward_elements},
};

}  // namespace

std::span<const SubstitutionRow> synchronized_norm_substitutions() { return kRows; }

}  // namespace moai::device
