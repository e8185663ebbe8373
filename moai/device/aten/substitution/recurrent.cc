#include <ATen/TensorOperators.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/zeros_like.h>

#include "moai/device/aten/substitution/stack_arguments.h"
#include "moai/device/aten/substitution/substitution.h"

namespace moai::device {
namespace {

using at::Tensor;

// input_gates + hidden_gates, each with its bias if there is one.
Tensor with_bias(const Tensor& gates, const std::optional<Tensor>& bias) {
  return bias ? gates + *bias : gates;
}

// Gates lie one after another in the second dimension.
std::vector<Tensor> parts_of(const Tensor& gates, int64_t count) {
  TORCH_CHECK(gates.dim() == 2 && gates.size(1) % count == 0, "gates of size ", gates.sizes(),
              " are not ", count, " equal parts side by side");
  return gates.chunk(count, 1);
}

// (input_gates, hidden_gates, cx, input_bias, hidden_bias) → (hy, cy, workspace): the activated
// gates in, forget, cell, out are the workspace.
void lstm_cell(torch::jit::Stack& stack) {
  const Tensor gates = with_bias(tensor_at(stack, 0), optional_tensor_at(stack, 3)) +
                       with_bias(tensor_at(stack, 1), optional_tensor_at(stack, 4));
  const auto part = parts_of(gates, 4);
  const Tensor in = part[0].sigmoid(), forget = part[1].sigmoid();
  const Tensor cell = part[2].tanh(), out = part[3].sigmoid();
  const Tensor cy = forget * tensor_at(stack, 2) + in * cell;
  finish(stack, out * cy.tanh(), cy, at::cat({in, forget, cell, out}, 1));
}

// (grad_hy, grad_cy, cx, cy, workspace, has_bias) → (grad_gates, grad_cx, grad_bias)
void lstm_cell_backward(torch::jit::Stack& stack) {
  const auto grad_hy = optional_tensor_at(stack, 0), grad_cy = optional_tensor_at(stack, 1);
  const Tensor cx = tensor_at(stack, 2), cy = tensor_at(stack, 3);
  const bool has_bias = stack.at(5).toBool();
  const auto part = parts_of(tensor_at(stack, 4), 4);
  const Tensor &in = part[0], &forget = part[1], &cell = part[2], &out = part[3];
  const Tensor squashed = cy.tanh();
  Tensor grad = grad_cy ? *grad_cy : at::zeros_like(cy);
  Tensor grad_out = at::zeros_like(out);
  if (grad_hy) {
    grad = grad + *grad_hy * out * (1 - squashed * squashed);
    grad_out = *grad_hy * squashed * out * (1 - out);
  }
  const Tensor gates = at::cat({grad * cell * in * (1 - in), grad * cx * forget * (1 - forget),
                                grad * in * (1 - cell * cell), grad_out},
                               1);
  finish(stack, gates, grad * forget, has_bias ? gates.sum(0) : Tensor());
}

// (input_gates, hidden_gates, hx, input_bias, hidden_bias) → (hy, workspace): reset, update, fresh
// state, hx and the hidden part of the fresh state are the workspace.
void gru_cell(torch::jit::Stack& stack) {
  const auto input = parts_of(with_bias(tensor_at(stack, 0), optional_tensor_at(stack, 3)), 3);
  const auto hidden = parts_of(with_bias(tensor_at(stack, 1), optional_tensor_at(stack, 4)), 3);
  const Tensor hx = tensor_at(stack, 2);
  const Tensor reset = (input[0] + hidden[0]).sigmoid();
  const Tensor update = (input[1] + hidden[1]).sigmoid();
  const Tensor state = (input[2] + reset * hidden[2]).tanh();
  finish(stack, state + update * (hx - state), at::cat({reset, update, state, hx, hidden[2]}, 1));
}

// (grad_hy, workspace, has_bias) → (grad_input_gates, grad_hidden_gates, grad_hx, grad_input_bias,
// grad_hidden_bias)
void gru_cell_backward(torch::jit::Stack& stack) {
  const Tensor grad = tensor_at(stack, 0);
  const bool has_bias = stack.at(2).toBool();
  const auto part = parts_of(tensor_at(stack, 1), 5);
  const Tensor &reset = part[0], &update = part[1], &state = part[2], &hx = part[3];
  const Tensor of_update = grad * (hx - state) * (1 - update) * update;
  const Tensor of_input = grad * (1 - update) * (1 - state * state);
  const Tensor of_reset = of_input * part[4] * (1 - reset) * reset;
  const Tensor input = at::cat({of_reset, of_update, of_input}, 1);
  const Tensor hidden = at::cat({of_reset, of_update, of_input * reset}, 1);
  finish(stack, input, hidden, grad * update, has_bias ? input.sum(0) : Tensor(),
         has_bias ? hidden.sum(0) : Tensor());
}

constexpr SubstitutionRow kRows[] = {
    {"aten::_thnn_fused_lstm_cell", lstm_cell},
    {"aten::_thnn_fused_lstm_cell_backward_impl", lstm_cell_backward},
    {"aten::_thnn_fused_gru_cell", gru_cell},
    {"aten::_thnn_fused_gru_cell_backward", gru_cell_backward},
};

}  // namespace

std::span<const SubstitutionRow> recurrent_substitutions() { return kRows; }

}  // namespace moai::device
