// Gradients of norms on an accelerator, whose kernels take the statistics of half-precision inputs
// in a type of their own. Fronts record them in that of a CPU's kernels, and so they are kept.
#include <ATen/OpMathType.h>
#include <ATen/core/Tensor.h>
#include <ATen/core/dispatch/Dispatcher.h>

#include "moai/device/aten/substitution/stack_arguments.h"
#include "moai/device/aten/substitution/substitution.h"

namespace moai::device {
namespace {

using at::Tensor;

Tensor widened(const Tensor& t) {
  return t.defined() ? t.to(at::toOpMathType(t.scalar_type())) : t;
}

// The library's kernel, on statistics at two places of the stack of another type.
void call_with(const char* op, torch::jit::Stack& stack, size_t first, at::ScalarType type) {
  for (size_t i = first; i < first + 2; ++i) {
    const Tensor statistics = tensor_at(stack, i);
    if (statistics.defined()) stack[i] = statistics.to(type);
  }
  c10::Dispatcher::singleton().findSchemaOrThrow(op, "").callBoxed(&stack);
}

// (grad_out, input, normalized_shape, mean, rstd, …)
void layer_norm_backward(torch::jit::Stack& stack) {
  call_with("aten::native_layer_norm_backward", stack, 3,
            at::toOpMathType(tensor_at(stack, 1).scalar_type()));
}

// (grad_out, input, weight, running_mean, running_var, save_mean, save_invstd, …)
void batch_norm_backward(torch::jit::Stack& stack) {
  call_with("aten::native_batch_norm_backward", stack, 5,
            at::toOpMathType(tensor_at(stack, 1).scalar_type()));
}

// (grad_out, input, mean, rstd, …): in the type of the input.
void group_norm_backward(torch::jit::Stack& stack) {
  call_with("aten::native_group_norm_backward", stack, 2, tensor_at(stack, 1).scalar_type());
}

// (grad_out, input, normalized_shape, rstd, …)
void rms_norm_backward(torch::jit::Stack& stack) {
  stack[3] = widened(tensor_at(stack, 3));
  c10::Dispatcher::singleton()
      .findSchemaOrThrow("aten::_fused_rms_norm_backward", "")
      .callBoxed(&stack);
}

bool of_half(const ops::CallSignature& signature) {
  if (signature.args.size() < 2) return false;
  const tensor::DType type = signature.args[1].geometry.dtype;
  return type == tensor::DType::kFloat16 || type == tensor::DType::kBFloat16;
}

constexpr SubstitutionRow kRows[] = {
    {"aten::native_layer_norm_backward", layer_norm_backward, of_half},
    {"aten::native_batch_norm_backward", batch_norm_backward, of_half},
    {"aten::native_group_norm_backward", group_norm_backward, of_half},
    {"aten::_fused_rms_norm_backward", rms_norm_backward, of_half},
};

}  // namespace

std::span<const SubstitutionRow> accelerator_norm_substitutions() { return kRows; }

}  // namespace moai::device
