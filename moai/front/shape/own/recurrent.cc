// Recurrent cells, as the Worker's substitutions return them.
#include "moai/front/shape/meta_tensor.h"
#include "moai/front/shape/rows.h"

namespace moai::front::shape {
namespace {

namespace op = at::_ops;
using at::Tensor;
using OptionalTensor = std::optional<Tensor>;
using Three = std::tuple<Tensor, Tensor, Tensor>;
using Five = std::tuple<Tensor, Tensor, Tensor, Tensor, Tensor>;

Tensor gates(const Tensor& state, int64_t count) {
  return fresh({state.size(0), state.size(1) * count}, state.scalar_type());
}

Tensor bias(bool wanted, int64_t size, c10::ScalarType type) {
  return wanted ? fresh({size}, type) : Tensor();
}

void check_gates(const Tensor& input, const Tensor& hidden, const Tensor& state, int64_t count) {
  TORCH_CHECK(input.sizes() == hidden.sizes() && input.dim() == 2,
              "input_gates and hidden_gates must be matrices of one size, but are ", input.sizes(),
              " and ", hidden.sizes());
  TORCH_CHECK(input.size(0) == state.size(0) && input.size(1) == state.size(1) * count,
              "gates of size ", input.sizes(), " do not fit a state of size ", state.sizes());
}

Three lstm_cell(const Tensor& input, const Tensor& hidden, const Tensor& cell,
                const OptionalTensor&, const OptionalTensor&) {
  check_gates(input, hidden, cell, 4);
  const Tensor state = fresh(cell.sizes(), cell.scalar_type());
  return {state, state, gates(cell, 4)};
}

Three lstm_cell_backward(const OptionalTensor&, const OptionalTensor&, const Tensor& cell,
                         const Tensor&, const Tensor& workspace, bool has_bias) {
  const auto type = workspace.scalar_type();
  return {fresh(workspace.sizes(), type), fresh(cell.sizes(), type),
          bias(has_bias, workspace.size(1), type)};
}

std::tuple<Tensor, Tensor> gru_cell(const Tensor& input, const Tensor& hidden, const Tensor& state,
                                    const OptionalTensor&, const OptionalTensor&) {
  check_gates(input, hidden, state, 3);
  return {fresh(state.sizes(), state.scalar_type()), gates(state, 5)};
}

// The workspace holds five parts as wide as the state.
Five gru_cell_backward(const Tensor& grad, const Tensor& workspace, bool has_bias) {
  const auto type = workspace.scalar_type();
  const int64_t width = workspace.size(1) / 5 * 3;
  const Tensor of_gates = fresh({workspace.size(0), width}, type);
  return {of_gates, of_gates, fresh(grad.sizes(), type), bias(has_bias, width, type),
          bias(has_bias, width, type)};
}

const Row kRows[] = {
    ours<op::_thnn_fused_lstm_cell>(lstm_cell),
    ours<op::_thnn_fused_lstm_cell_backward_impl>(lstm_cell_backward),
    ours<op::_thnn_fused_gru_cell>(gru_cell),
    ours<op::_thnn_fused_gru_cell_backward>(gru_cell_backward),
};

}  // namespace

std::span<const Row> recurrent_rows() { return kRows; }

}  // namespace moai::front::shape
