#include <ATen/ops/_log_softmax.h>
#include <ATen/ops/_log_softmax_backward_data.h>
#include <ATen/ops/_softmax.h>
#include <ATen/ops/_softmax_backward_data.h>

#include "moai/device/aten/substitution/stack_arguments.h"
#include "moai/device/aten/substitution/substitution.h"

namespace moai::device {
namespace {

using at::Tensor;

// The kernels of a CPU read and write one type; those of CUDA convert between half and float.
bool converts(const ops::CallSignature& signature) {
  return !signature.args.empty() && !signature.results.empty() &&
         signature.args[0].geometry.dtype != signature.results[0].geometry.dtype;
}

// (self, dim, half_to_float)
template <Tensor (*kSoftmax)(const Tensor&, int64_t, bool)>
void forward(torch::jit::Stack& stack) {
  finish(stack, kSoftmax(tensor_at(stack, 0).to(at::kFloat), stack.at(1).toInt(), false));
}

// (grad_output, output, dim, input_dtype)
template <Tensor (*kBackward)(const Tensor&, const Tensor&, int64_t, at::ScalarType)>
void backward(torch::jit::Stack& stack) {
  const Tensor grad = tensor_at(stack, 0);
  const Tensor of_input =
      kBackward(grad, tensor_at(stack, 1), stack.at(2).toInt(), grad.scalar_type());
  const auto type = static_cast<at::ScalarType>(stack.at(3).toInt());
  finish(stack, of_input.to(type));
}

constexpr SubstitutionRow kRows[] = {
    {"aten::_softmax", forward<at::_softmax>, converts},
    {"aten::_log_softmax", forward<at::_log_softmax>, converts},
    {"aten::_softmax_backward_data", backward<at::_softmax_backward_data>, converts},
    {"aten::_log_softmax_backward_data", backward<at::_log_softmax_backward_data>, converts},
};

}  // namespace

std::span<const SubstitutionRow> softmax_substitutions() { return kRows; }

}  // namespace moai::device
