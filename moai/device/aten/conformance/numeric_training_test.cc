// As numeric_test.cc, for what losses, optimizers, mixed precision and indexing use.
#include "moai/device/aten/conformance/numeric_testing.h"

namespace moai::device {
namespace {

std::vector<Row> losses() {
  const Tensor x = r({4, 6}), y = r({4, 6}), p = at::sigmoid(x), q = at::sigmoid(y), none;
  const Tensor loss = at::mse_loss(x, y), grad = at::ones_like(loss);
  return {
      {"aten::mse_loss", "", {x, y, 1}},
      {"aten::mse_loss_backward", "", {grad, x, y, 1}},
      {"aten::smooth_l1_loss", "", {x, y, 1, 1.0}},
      {"aten::smooth_l1_loss_backward", "", {grad, x, y, 1, 1.0}},
      {"aten::huber_loss", "", {x, y, 2, 0.5}},
      {"aten::binary_cross_entropy", "", {p, q, none, 1}},
      {"aten::binary_cross_entropy_backward", "", {grad, p, q, none, 1}},
      {"aten::binary_cross_entropy_with_logits", "", {x, q, none, none, 1}},
      {"aten::log_sigmoid_forward", "", {x}},
      {"aten::logsumexp", "", {x, ints({1}), false}},
      {"aten::cosine_embedding_loss", "", {x, y, at::ones({4}), 0.0, 1}},
  };
}

std::vector<Row> activations() {
  const Tensor x = r({3, 8}), grad = r({3, 8}), halves = r({3, 4});
  return {
      {"aten::silu_backward", "", {grad, x}},
      {"aten::elu", "", {x, 1.0, 1.0, 1.0}},
      {"aten::leaky_relu", "", {x, 0.01}},
      {"aten::leaky_relu_backward", "", {grad, x, 0.01, false}},
      {"aten::hardtanh", "", {x, -1.0, 1.0}},
      {"aten::softplus", "", {x, 1.0, 20.0}},
      {"aten::sigmoid_backward", "", {grad, at::sigmoid(x)}},
      {"aten::glu", "", {x, 1}},
      {"aten::glu_backward", "", {halves, x, 1}},
      {"aten::hardswish", "", {x}},
      {"aten::mish", "", {x}},
      {"aten::_softmax_backward_data", "", {grad, at::softmax(x, 1), 1, 6}},
  };
}

std::vector<Tensor> tensors(int64_t n) { return {r({n, 3}), r({n})}; }
std::vector<Tensor> steps() { return {at::ones({}), at::ones({})}; }
std::vector<Tensor> squares(int64_t n) { return {r({n, 3}).square(), r({n}).square()}; }

std::vector<Row> optimizers() {
  const Tensor none;
  const auto none_list = std::vector<Tensor>{};
  return {
      {"aten::_fused_adamw_",
       "",
       {tensors(4), tensors(4), tensors(4), squares(4), none_list, steps(), 0.001, 0.9, 0.999, 0.01,
        1e-8, false, false, IValue(), IValue()}},
      {"aten::_fused_adam_",
       "",
       {tensors(4), tensors(4), tensors(4), squares(4), none_list, steps(), 0.001, 0.9, 0.999, 0.01,
        1e-8, false, false, IValue(), IValue()}},
      {"aten::_fused_sgd_",
       "",
       {tensors(4), tensors(4), tensors(4), 0.01, 0.9, 0.1, 0.0, false, false, false, IValue(),
        IValue()}},
      {"aten::_foreach_mul_", "Scalar", {tensors(2), 0.9}},
      {"aten::_foreach_lerp_", "Scalar", {tensors(2), tensors(2), 0.1}},
      {"aten::_foreach_addcmul_", "Scalar", {tensors(2), tensors(2), tensors(2), 0.1}},
      {"aten::_foreach_norm", "Scalar", {tensors(5), 2.0, IValue()}},
      {"aten::_foreach_div", "List", {tensors(3), squares(3)}},
      {"aten::_foreach_sqrt_", "", {squares(3)}},
      {"aten::lerp_", "Scalar", {r({4}), r({4}), 0.1}},
      {"aten::addcmul_", "", {r({4}), r({4}), r({4}), 0.5}},
      {"aten::sqrt", "", {r({4}).square()}},
      {"aten::zero_", "", {r({4})}},
  };
}

std::vector<Row> mixed_precision() {
  const Tensor x = r({4, 8}), bf = x.to(at::kBFloat16), half = x.to(at::kHalf);
  const Tensor scale = at::full({}, 2.0), found = at::zeros({1});
  const Tensor image = r({4, 6, 5}).to(at::kBFloat16), grad = r({4, 6, 5}).to(at::kBFloat16);
  const Tensor gain = r({6}), gain_bf = gain.to(at::kBFloat16), bf_gain = r({8}).to(at::kBFloat16);
  const auto all = c10::List<bool>({true, true, true});
  const auto [l_out, l_mean, l_rstd] = at::native_layer_norm(bf, {8}, bf_gain, bf_gain, 1e-5);
  const auto [b_out, b_mean, b_invstd] =
      at::native_batch_norm(image, gain_bf, gain_bf, {}, {}, true, 0.1, 1e-5);
  const auto [m_out, m_mean, m_invstd] =
      at::native_batch_norm(image, gain, gain, {}, {}, true, 0.1, 1e-5);
  const auto [g_out, g_mean, g_rstd] =
      at::native_group_norm(image, gain_bf, gain_bf, 4, 6, 5, 2, 1e-5);
  return {
      {"aten::mm", "", {bf, bf.t()}},
      {"aten::addmm", "", {r({4}).to(at::kBFloat16), bf, bf.t(), 1, 1}},
      {"aten::_to_copy", "", {x, 15, IValue(), IValue(), IValue(), false, IValue()}},
      {"aten::_to_copy", "", {half, 6, IValue(), IValue(), IValue(), false, IValue()}},
      {"aten::_softmax", "", {bf, 1, false}},
      {"aten::native_layer_norm", "", {bf, ints({8}), IValue(), IValue(), 1e-5}},
      {"aten::native_layer_norm_backward",
       "",
       {bf, bf, ints({8}), l_mean, l_rstd, bf_gain, bf_gain, all}},
      {"aten::native_batch_norm",
       "",
       {image, gain_bf, gain_bf, IValue(), IValue(), true, 0.1, 1e-5}},
      {"aten::native_batch_norm_backward",
       "",
       {grad, image, gain_bf, IValue(), IValue(), b_mean, b_invstd, true, 1e-5, all}},
      {"aten::native_batch_norm_backward",
       "",
       {grad, image, gain, IValue(), IValue(), m_mean, m_invstd, true, 1e-5, all}},
      {"aten::native_group_norm", "", {image, gain_bf, gain_bf, 4, 6, 5, 2, 1e-5}},
      {"aten::native_group_norm_backward",
       "",
       {grad, image, g_mean, g_rstd, gain_bf, 4, 6, 5, 2, all}},
      {"aten::_amp_foreach_non_finite_check_and_unscale_",
       "",
       {std::vector<Tensor>{x.clone()}, found, at::full({}, 0.5)}},
      {"aten::_amp_update_scale_", "", {scale, at::zeros({}, at::kInt), found, 2.0, 0.5, 2000}},
  };
}

// A list as indexing takes it.
IValue optional(const std::vector<Tensor>& indices) {
  c10::List<std::optional<Tensor>> list;
  for (const Tensor& index : indices) list.push_back(index);
  return list;
}

std::vector<Row> indexing() {
  const Tensor a = r({4, 5}), at0 = longs({3, 1}, {2}), mask = a > 0;
  return {
      {"aten::index", "Tensor", {a, optional({at0, longs({0, 4}, {2})})}},
      {"aten::index_put_", "", {a.clone(), optional({at0}), r({2, 5}), false}},
      {"aten::_index_put_impl_", "", {a.clone(), optional({at0}), r({2, 5}), true, false}},
      {"aten::index_add", "", {a, 0, at0, r({2, 5}), 1}},
      {"aten::scatter", "value", {a, 1, longs({0, 1, 2, 3}, {4, 1}), -1.0}},
      {"aten::masked_fill_", "Scalar", {a.clone(), mask, 0.0}},
      {"aten::select_backward", "", {r({5}), ints({4, 5}), 0, 2}},
      {"aten::slice_backward", "", {r({2, 5}), ints({4, 5}), 0, 1, 3, 1}},
      {"aten::bitwise_and", "Tensor", {mask, mask.logical_not()}},
      {"aten::any", "", {mask}},
      {"aten::arange",
       "start_step",
       {0, 10, 2, IValue(), IValue(), at::Device(at::kCPU), IValue()}},
      {"aten::searchsorted",
       "Tensor",
       {std::get<0>(at::sort(r({8}))), r({3}), false, false, IValue(), IValue()}},
      {"aten::roll", "", {a, ints({1}), ints({0})}},
      {"aten::triu_indices", "", {3, 3, 0, 4, IValue(), at::Device(at::kCPU), IValue()}},
  };
}

std::vector<Row> images() {
  const Tensor x = r({2, 4, 6, 6});
  const auto [normed, mean, rstd] = at::native_group_norm(x, r({4}), r({4}), 2, 4, 36, 2, 1e-5);
  return {
      {"aten::avg_pool2d",
       "",
       {x, ints({2, 2}), ints({2, 2}), ints({0, 0}), false, true, IValue()}},
      {"aten::_adaptive_avg_pool2d", "", {x, ints({3, 3})}},
      {"aten::upsample_nearest2d", "", {x, ints({12, 12}), IValue(), IValue()}},
      {"aten::upsample_bilinear2d", "", {x, ints({9, 9}), false, IValue(), IValue()}},
      {"aten::native_group_norm", "", {x, IValue(), IValue(), 2, 4, 36, 2, 1e-5}},
      {"aten::native_group_norm_backward",
       "",
       {r({2, 4, 6, 6}), x, mean, rstd, IValue(), 2, 4, 36, 2,
        c10::List<bool>({true, false, false})}},
      {"aten::reflection_pad2d", "", {x, ints({1, 1, 1, 1})}},
      {"aten::im2col", "", {x, ints({3, 3}), ints({1, 1}), ints({0, 0}), ints({1, 1})}},
  };
}

TEST_F(NumericTest, Losses) {
  at::manual_seed(4);
  for (const Row& row : losses()) check(row);
}

TEST_F(NumericTest, Activations) {
  at::manual_seed(5);
  for (const Row& row : activations()) check(row);
}

TEST_F(NumericTest, Optimizers) {
  at::manual_seed(6);
  for (const Row& row : optimizers()) check(row);
}

TEST_F(NumericTest, MixedPrecision) {
  at::manual_seed(7);
  for (const Row& row : mixed_precision()) check(row);
}

TEST_F(NumericTest, Indexing) {
  at::manual_seed(8);
  for (const Row& row : indexing()) check(row);
}

TEST_F(NumericTest, Images) {
  at::manual_seed(9);
  for (const Row& row : images()) check(row);
}

}  // namespace
}  // namespace moai::device
