#include "moai/device/aten/conformance/sharding/samples_testing.h"

namespace moai::device::sharding {

std::vector<SampleText> layer_samples() {
  return {
      {"aten::native_layer_norm(f64[4,3,5], [5], f64[5], f64[5], word) -> f64[4,3,5], f64[4,3,1], "
       "f64[4,3,1]"},
      {"aten::native_layer_norm(f64[4,3,5], [3,5], none, none, word) -> f64[4,3,5], f64[4,1,1], "
       "f64[4,1,1]"},
      {"aten::native_layer_norm_backward(f64[4,3,5], f64[4,3,5], [5], f64[4,3,1], f64[4,3,1], "
       "f64[5], f64[5], bools[true,true,true]) -> f64[4,3,5], f64[5], f64[5]"},
      {"aten::native_layer_norm_backward(f64[4,3,5], f64[4,3,5], [3,5], f64[4,1,1], f64[4,1,1], "
       "f64[3,5], none, bools[true,true,false]) -> f64[4,3,5], f64[3,5], undefined"},
      {"aten::_fused_rms_norm(f64[4,3,5], [5], f64[5], word) -> f64[4,3,5], f64[4,3,1]"},
      {"aten::_fused_rms_norm_backward(f64[4,3,5], f64[4,3,5], [5], f64[4,3,1], f64[5], "
       "bools[true,true]) -> f64[4,3,5], f64[5]"},
      {"aten::native_group_norm(f64[4,6,5], f64[6], f64[6], 4, 6, 5, 3, word) -> f64[4,6,5], "
       "f64[4,3], f64[4,3]"},
      {"aten::native_group_norm(f64[4,6,5,2], none, none, 4, 6, 10, 3, word) -> f64[4,6,5,2], "
       "f64[4,3], f64[4,3]"},
      {"aten::native_group_norm_backward(f64[4,6,5], f64[4,6,5], f64[4,3], f64[4,3], f64[6], 4, 6, "
       "5, 3, bools[true,true,true]) -> f64[4,6,5], f64[6], f64[6]"},
      {"aten::native_batch_norm(f64[4,3,5], f64[3], f64[3], f64[3]!, f64[3]!, true, word, word) -> "
       "f64[4,3,5], f64[3], f64[3]"},
      {"aten::native_batch_norm(f64[4,3,5], f64[3], f64[3], f64[3], f64[3], false, word, word) -> "
       "f64[4,3,5], f64[0]?, f64[0]?"},
      {"aten::_native_batch_norm_legit(f64[4,3,5], f64[3], f64[3], f64[3]!, f64[3]!, true, word, "
       "word) -> f64[4,3,5], f64[3], f64[3]"},
      {"aten::_native_batch_norm_legit.no_stats(f64[4,3,5], f64[3], f64[3], true, word, word) -> "
       "f64[4,3,5], f64[3], f64[3]"},
      {"aten::_batch_norm_with_update(f64[4,3,5], f64[3], f64[3], f64[3]!, f64[3]!, word, word) -> "
       "f64[4,3,5], f64[3], f64[3], u8[0]?"},
      {"aten::_batch_norm_no_update(f64[4,3,5], f64[3], f64[3], f64[3], f64[3], word, word) -> "
       "f64[4,3,5], f64[0]?, f64[0]?, u8[0]?"},
      {"aten::native_batch_norm_backward(f64[4,3,5], f64[4,3,5], f64[3], f64[3], f64[3], f64[3], "
       "f64[3], true, word, bools[true,true,true]) -> f64[4,3,5], f64[3], f64[3]"},
      {"aten::native_batch_norm_backward(f64[4,3,5], f64[4,3,5], f64[3], f64[3], f64[3], f64[0], "
       "f64[0], false, word, bools[true,true,true]) -> f64[4,3,5], f64[3], f64[3]"},
      {"aten::native_batch_norm_backward(f64[4,3,5], f64[4,3,5], none, none, none, f64[3], f64[3], "
       "true, word, bools[true,false,false]) -> f64[4,3,5], undefined, undefined"},
      {"aten::renorm(f64[4,3,5], word, 1, word) -> f64[4,3,5]", {2, 0.5}},
      {"aten::_weight_norm_interface(f64[4,3,5], f64[4,1,1], 0) -> f64[4,3,5], f64[4,1,1]"},
      {"aten::_weight_norm_interface_backward(f64[4,3,5], f64[4,3,5], f64[4,1,1], f64[4,1,1], 0) "
       "-> "
       "f64[4,3,5], f64[4,1,1]"},
      // softmax
      {"aten::_softmax(f64[4,3,5], -1, false) -> f64[4,3,5]"},
      {"aten::_safe_softmax(f64[4,3,5], 1, none) -> f64[4,3,5]"},
      {"aten::_log_softmax(f64[4,3,5], 1, false) -> f64[4,3,5]"},
      {"aten::_softmax_backward_data(f64[4,3], f64[4,3], 1, 7) -> f64[4,3]"},
      {"aten::_log_softmax_backward_data(f64[4,3], f64[4,3], 0, 7) -> f64[4,3]"},
  };
}

std::vector<SampleText> loss_samples() {
  return {
      {"aten::nll_loss_forward(f64[4,3], i64[4], none, 2, -100) -> f64[], f64[]"},
      {"aten::nll_loss_forward(f64[4,3], i64[4], f64[3], 2, 1) -> f64[], f64[]"},
      {"aten::nll_loss_forward(f64[4,3], i64[4], f64[3], 0, 1) -> f64[4], f64[]"},
      {"aten::nll_loss_forward(f64[4,3], i64[4], f64[3], 1, 1) -> f64[], f64[]"},
      {"aten::nll_loss_backward(f64[], f64[4,3], i64[4], f64[3], 1, 1, f64[]) -> f64[4,3]"},
      {"aten::nll_loss_backward(f64[], f64[4,3], i64[4], undefined, 2, -100, f64[]) -> f64[4,3]"},
      {"aten::nll_loss_backward(f64[4], f64[4,3], i64[4], f64[3], 0, 1, f64[]) -> f64[4,3]"},
      {"aten::nll_loss2d_forward(f64[4,3,5,6], i64[4,5,6], f64[3], 2, 1) -> f64[], f64[]"},
      {"aten::nll_loss2d_forward(f64[4,3,5,6], i64[4,5,6], none, 0, 1) -> f64[4,5,6], f64[]"},
      {"aten::nll_loss2d_backward(f64[], f64[4,3,5,6], i64[4,5,6], f64[3], 1, 1, f64[]) -> "
       "f64[4,3,5,6]"},
      {"aten::mse_loss(f64[4,3], f64[4,3], 0) -> f64[4,3]"},
      {"aten::mse_loss(f64[4,3], f64[4,3], 1) -> f64[]"},
      {"aten::mse_loss(f64[4,3], f64[4,3], 2) -> f64[]"},
      {"aten::mse_loss_backward(f64[], f64[4,3], f64[4,3], 1) -> f64[4,3]"},
      {"aten::mse_loss_backward(f64[], f64[4,3], f64[4,3], 2) -> f64[4,3]"},
      {"aten::mse_loss_backward(f64[4,3], f64[4,3], f64[4,3], 0) -> f64[4,3]"},
      {"aten::smooth_l1_loss(f64[4,3], f64[4,3], 2, word) -> f64[]"},
      {"aten::smooth_l1_loss_backward(f64[], f64[4,3], f64[4,3], 2, word) -> f64[4,3]"},
      {"aten::huber_loss(f64[4,3], f64[4,3], 2, word) -> f64[]"},
      {"aten::huber_loss_backward(f64[], f64[4,3], f64[4,3], 1, word) -> f64[4,3]"},
      {"aten::binary_cross_entropy(f64[4,3], f64[4,3], f64[3], 2) -> f64[]", {}, true},
      {"aten::binary_cross_entropy(f64[4,3], f64[4,3], none, 1) -> f64[]", {}, true},
      {"aten::binary_cross_entropy_backward(f64[], f64[4,3], f64[4,3], f64[3], 2) -> f64[4,3]",
       {},
       true},
      {"aten::binary_cross_entropy_backward(f64[], f64[4,3], f64[4,3], f64[4,3], 1) -> f64[4,3]",
       {},
       true},
      {"aten::binary_cross_entropy_with_logits(f64[4,3], f64[4,3], f64[3], f64[3], 2) -> f64[]"},
      {"aten::binary_cross_entropy_with_logits(f64[4,3], f64[4,3], none, none, 1) -> f64[]"},
      // recurrent cells
      {"aten::_thnn_fused_lstm_cell(f64[4,12], f64[4,12], f64[4,3], f64[12], f64[12]) -> f64[4,3], "
       "f64[4,3], f64[4,12]?"},
      {"aten::_thnn_fused_lstm_cell_backward_impl(f64[4,3], f64[4,3], f64[4,3], f64[4,3], "
       "f64[4,12], true) -> f64[4,12], f64[4,3], f64[12]"},
      {"aten::_thnn_fused_gru_cell(f64[4,9], f64[4,9], f64[4,3], f64[9], f64[9]) -> f64[4,3], "
       "f64[4,15]?"},
      {"aten::_thnn_fused_gru_cell_backward(f64[4,3], f64[4,15], true) -> f64[4,9], f64[4,9], "
       "f64[4,3], f64[9], f64[9]"},
  };
}

}  // namespace moai::device::sharding
