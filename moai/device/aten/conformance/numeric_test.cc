// Calls through a Device against the same operators called directly: equal bits.
#include "moai/device/aten/conformance/numeric_testing.h"

namespace moai::device {
namespace {

std::vector<Row> elementwise() {
  const Tensor a = r({3, 4}), b = r({3, 4}), row = r({4});
  return {
      {"aten::add", "Tensor", {a, b, 2}},
      {"aten::add", "Tensor", {a.t(), b.t(), 1.5}},
      {"aten::mul", "Tensor", {a, row}},
      {"aten::div", "Tensor", {a.narrow(1, 1, 2), b.narrow(1, 0, 2)}},
      {"aten::pow", "Tensor_Scalar", {a, 2.0}},
      {"aten::exp", "", {a}},
      {"aten::gelu", "", {a, "tanh"}},
      {"aten::gelu_backward", "", {a, b, "none"}},
      {"aten::silu", "", {a}},
      {"aten::tanh_backward", "", {a, b}},
      {"aten::threshold_backward", "", {a, b, 0}},
      {"aten::where", "self", {a > 0, a, b}},
      {"aten::clamp", "", {a, -0.5, IValue()}},
      {"aten::lt", "Scalar", {a, 0.25}},
      {"aten::masked_fill", "Scalar", {a, b > 0, -1.0}},
      {"aten::_to_copy", "", {a, 6, IValue(), IValue(), IValue(), false, IValue()}},
      {"aten::add_", "Tensor", {a.clone(), b, 1}},
      {"aten::addcdiv_", "", {a.clone(), b, row, 0.5}},
  };
}

std::vector<Row> reductions_and_shapes() {
  const Tensor a = r({3, 4}), x = r({2, 3, 4});
  return {
      {"aten::sum", "", {a, IValue()}},
      {"aten::sum", "dim_IntList", {x, ints({0, 2}), true, IValue()}},
      {"aten::mean", "dim", {x, ints({1}), false, IValue()}},
      {"aten::amax", "", {x, ints({1}), false}},
      {"aten::max", "dim", {a, 1, false}},
      {"aten::var_mean", "correction", {x, ints({2}), 1, false}},
      {"aten::cumsum", "", {a, 1, IValue()}},
      {"aten::sort", "", {a, 1, true}},
      {"aten::topk", "", {a, 2, 1, true, true}},
      {"aten::argmax", "", {a, 1, false}},
      {"aten::cat", "", {std::vector<Tensor>{a, a, r({1, 4})}, 0}},
      {"aten::stack", "", {std::vector<Tensor>{a, a}, 1}},
      {"aten::clone", "", {x.transpose(0, 2), 0}},
      {"aten::constant_pad_nd", "", {a, ints({1, 2}), 0.0}},
      {"aten::tril", "", {r({4, 4}), 0}},
      {"aten::gather", "", {a, 1, longs({0, 1, 2, 3, 1, 1}, {3, 2}), false}},
      {"aten::index_select", "", {a, 0, longs({2, 0}, {2})}},
      {"aten::scatter_add", "", {a, 1, longs({0, 3, 3}, {3, 1}), r({3, 1})}},
      {"aten::repeat", "", {a, ints({2, 1})}},
      {"aten::flip", "", {a, ints({0})}},
  };
}

std::vector<Row> layers() {
  const Tensor x = r({4, 6}), w = r({5, 6}), bias = r({5}), gain = r({6}), shift = r({6});
  const Tensor image = r({2, 3, 8, 8}), filter = r({4, 3, 3, 3}), bias4 = r({4});
  const Tensor tokens = longs({1, 2, 0, 4}, {2, 2}), table = r({5, 6});
  const Tensor classes = longs({1, 0, 3, 5}, {4});
  const auto [normed, mean, rstd] = at::native_layer_norm(x, {6}, gain, shift, 1e-5);
  const auto [pooled, places] = at::max_pool2d_with_indices(image, {2, 2});
  const Tensor log_p = at::log_softmax(x, 1), none;
  const auto [loss, total] = at::nll_loss_forward(log_p, classes, none, 1, -100);
  return {
      {"aten::addmm", "", {bias, x, w.t(), 1, 1}},
      {"aten::mm", "", {x.t(), x}},
      {"aten::bmm", "", {r({2, 3, 4}), r({2, 4, 5})}},
      {"aten::native_layer_norm", "", {x, ints({6}), gain, shift, 1e-5}},
      {"aten::native_layer_norm_backward",
       "",
       {x, x, ints({6}), mean, rstd, gain, shift, c10::List<bool>({true, true, true})}},
      {"aten::native_batch_norm",
       "",
       {image, r({3}), r({3}), at::zeros({3}), at::ones({3}), true, 0.1, 1e-5}},
      {"aten::convolution",
       "",
       {image, filter, bias4, ints({1, 1}), ints({1, 1}), ints({1, 1}), false, ints({0, 0}), 1}},
      {"aten::convolution_backward",
       "",
       {r({2, 4, 8, 8}), image, filter, ints({4}), ints({1, 1}), ints({1, 1}), ints({1, 1}), false,
        ints({0, 0}), 1, c10::List<bool>({true, true, true})}},
      {"aten::max_pool2d_with_indices",
       "",
       {image, ints({2, 2}), ints({2, 2}), ints({0, 0}), ints({1, 1}), false}},
      {"aten::max_pool2d_with_indices_backward",
       "",
       {pooled, image, ints({2, 2}), ints({2, 2}), ints({0, 0}), ints({1, 1}), false, places}},
      {"aten::_softmax", "", {x, 1, false}},
      {"aten::_log_softmax_backward_data", "", {x, log_p, 1, 6}},
      {"aten::nll_loss_forward", "", {log_p, classes, none, 1, -100}},
      {"aten::nll_loss_backward", "", {loss, log_p, classes, none, 1, -100, total}},
      {"aten::embedding", "", {table, tokens, -1, false, false}},
      {"aten::embedding_dense_backward", "", {r({2, 2, 6}), tokens, 5, -1, false}},
      {"aten::_foreach_add_",
       "List",
       {std::vector<Tensor>{r({3}), r({2})}, std::vector<Tensor>{r({3}), r({2})}, 0.5}},
      {"aten::_foreach_sqrt", "", {std::vector<Tensor>{r({3}).abs(), r({2}).abs()}}},
      {"aten::linalg_vector_norm", "", {x, 2.0, IValue(), false, IValue()}},
      {"aten::linalg_inv_ex", "", {at::eye(3) + r({3, 3}) * 0.1, false}},
  };
}

TEST_F(NumericTest, ElementwiseOperators) {
  at::manual_seed(1);
  for (const Row& row : elementwise()) check(row);
}

TEST_F(NumericTest, ReductionsAndShapes) {
  at::manual_seed(2);
  for (const Row& row : reductions_and_shapes()) check(row);
}

TEST_F(NumericTest, Layers) {
  at::manual_seed(3);
  for (const Row& row : layers()) check(row);
}

}  // namespace
}  // namespace moai::device
