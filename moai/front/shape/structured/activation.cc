// Activations, softmax and losses.
#include <ATen/MetaFunctions.h>

#include "moai/front/shape/rows.h"

namespace moai::front::shape {
namespace {

namespace meta = at::meta;
namespace op = at::_ops;

const Row kRows[] = {
    torch<op::_log_softmax>(meta::_log_softmax),
    torch<op::_log_softmax_out>(meta::_log_softmax_outf),
    torch<op::_log_softmax_backward_data>(meta::_log_softmax_backward_data),
    torch<op::_log_softmax_backward_data_out>(meta::_log_softmax_backward_data_outf),
    torch<op::_softmax>(meta::_softmax),
    torch<op::_softmax_out>(meta::_softmax_outf),
    torch<op::_softmax_backward_data>(meta::_softmax_backward_data),
    torch<op::_softmax_backward_data_out>(meta::_softmax_backward_data_outf),
    torch<op::elu>(meta::elu),
    torch<op::elu_out>(meta::elu_outf),
    torch<op::elu_>(meta::elu_),
    torch<op::elu_backward>(meta::elu_backward),
    torch<op::elu_backward_grad_input>(meta::elu_backward_outf),
    torch<op::gelu_out>(meta::gelu_outf),
    torch<op::gelu_>(meta::gelu_),
    torch<op::gelu_backward>(meta::gelu_backward),
    torch<op::gelu_backward_grad_input>(meta::gelu_backward_outf),
    torch<op::glu>(meta::glu),
    torch<op::glu_out>(meta::glu_outf),
    torch<op::hardshrink>(meta::hardshrink),
    torch<op::hardshrink_out>(meta::hardshrink_outf),
    torch<op::hardshrink_backward>(meta::hardshrink_backward),
    torch<op::hardshrink_backward_grad_input>(meta::hardshrink_backward_outf),
    torch<op::hardsigmoid>(meta::hardsigmoid),
    torch<op::hardsigmoid_out>(meta::hardsigmoid_outf),
    torch<op::hardsigmoid_>(meta::hardsigmoid_),
    torch<op::hardsigmoid_backward>(meta::hardsigmoid_backward),
    torch<op::hardsigmoid_backward_grad_input>(meta::hardsigmoid_backward_outf),
    torch<op::leaky_relu>(meta::leaky_relu),
    torch<op::leaky_relu_out>(meta::leaky_relu_outf),
    torch<op::leaky_relu_>(meta::leaky_relu_),
    torch<op::leaky_relu_backward>(meta::leaky_relu_backward),
    torch<op::leaky_relu_backward_grad_input>(meta::leaky_relu_backward_outf),
    torch<op::logit_backward>(meta::logit_backward),
    torch<op::logit_backward_grad_input>(meta::logit_backward_outf),
    torch<op::mish>(meta::mish),
    torch<op::mish_out>(meta::mish_outf),
    torch<op::mish_>(meta::mish_),
    torch<op::mse_loss>(meta::mse_loss),
    torch<op::mse_loss_out>(meta::mse_loss_outf),
    torch<op::nll_loss_backward>(meta::nll_loss_backward_symint),
    torch<op::nll_loss_backward_grad_input>(meta::nll_loss_backward_symint_outf),
    torch<op::nll_loss_forward>(meta::nll_loss_forward_symint),
    torch<op::nll_loss_forward_output>(meta::nll_loss_forward_symint_outf),
    torch<op::sigmoid_backward>(meta::sigmoid_backward),
    torch<op::sigmoid_backward_grad_input>(meta::sigmoid_backward_outf),
    torch<op::silu>(meta::silu),
    torch<op::silu_out>(meta::silu_outf),
    torch<op::silu_>(meta::silu_),
    torch<op::silu_backward>(meta::silu_backward),
    torch<op::silu_backward_grad_input>(meta::silu_backward_outf),
    torch<op::smooth_l1_loss>(meta::smooth_l1_loss),
    torch<op::smooth_l1_loss_out>(meta::smooth_l1_loss_outf),
    torch<op::softplus>(meta::softplus),
    torch<op::softplus_out>(meta::softplus_outf),
    torch<op::softplus_backward>(meta::softplus_backward),
    torch<op::softplus_backward_grad_input>(meta::softplus_backward_outf),
    torch<op::softshrink>(meta::softshrink),
    torch<op::softshrink_out>(meta::softshrink_outf),
    torch<op::softshrink_backward>(meta::softshrink_backward),
    torch<op::softshrink_backward_grad_input>(meta::softshrink_backward_outf),
    torch<op::tanh_backward>(meta::tanh_backward),
    torch<op::tanh_backward_grad_input>(meta::tanh_backward_outf),
    torch<op::threshold>(meta::threshold),
    torch<op::threshold_out>(meta::threshold_outf),
    torch<op::threshold_>(meta::threshold_),
    torch<op::threshold_backward>(meta::threshold_backward),
    torch<op::threshold_backward_grad_input>(meta::threshold_backward_outf),
};

}  // namespace

std::span<const Row> activation_rows() { return kRows; }

}  // namespace moai::front::shape
