// Cells of recurrent networks. Gates lie one after another, "(f h)".
#include "moai/ops/sharding/rows.h"

namespace moai::ops::sharding {
namespace {

constexpr Row kRows[] = {
    // (input_gates, hidden_gates, cx, input_bias, hidden_bias)
    {"aten::_thnn_fused_lstm_cell", "n (f! h), n (f h), n h, (f h), (f h) -> n h, n h, n (f h)"},
    // (grad_hy, grad_cy, cx, cy, workspace, has_bias)
    {"aten::_thnn_fused_lstm_cell_backward_impl",
     "n+ h, n h, n h, n h, n (f! h) -> n (f h), n h, (f h)", "0 1"},
    // (input_gates, hidden_gates, hx, input_bias, hidden_bias)
    {"aten::_thnn_fused_gru_cell", "n (f! h), n (f h), n h, (f h), (f h) -> n h, n (w! h)"},
    // (grad_hy, workspace, has_bias)
    {"aten::_thnn_fused_gru_cell_backward",
     "n+ h, n (w! h) -> n (f! h), n (f h), n h, (f h), (f h)", "0"},
};

}  // namespace

std::span<const Row> recurrent_rows() { return kRows; }

}  // namespace moai::ops::sharding
