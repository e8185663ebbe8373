#include "moai/device/aten/substitution/substitution.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>

#include <cmath>
#include <map>

#include "moai/device/aten/call/calls_testing.h"

namespace moai::device {
namespace {

using at::Tensor;
using torch::jit::Stack;

// Runs a substitution on a stack of arguments.
template <typename... Arguments>
Stack substituted(const char* op, Arguments&&... arguments) {
  Stack stack;
  torch::jit::push(stack, std::forward<Arguments>(arguments)...);
  const std::string_view name = op;
  const size_t dot = std::min(name.find('.'), name.size());
  const Substitute substitute =
      find_substitute({.op = std::string(name.substr(0, dot)),
                       .overload = std::string(name.substr(std::min(dot + 1, name.size())))});
  EXPECT_NE(substitute, nullptr) << op;
  substitute(stack);
  return stack;
}

void expect_close(const Tensor& got, const Tensor& wanted) {
  ASSERT_EQ(got.sizes(), wanted.sizes());
  EXPECT_TRUE(at::allclose(got, wanted, 1e-10, 1e-12)) << (got - wanted).abs().max().item<double>();
}

Tensor leaf(at::IntArrayRef sizes) { return at::randn(sizes, at::kDouble).requires_grad_(true); }

TEST(Substitution, IsKnownByPlainNames) {
  EXPECT_EQ(find_substitute({.op = "aten::add"}), nullptr);
  EXPECT_NE(find_substitute({.op = "aten::_thnn_fused_gru_cell"}), nullptr);
  EXPECT_EQ(find_substitute({.op = "aten::_thnn_fused_gru_cell", .overload = "out"}), nullptr);
}

TEST(Substitution, OnlyOperatorsThatTheCpuLacksHaveARow) {
  for (const SubstitutionRow& row : all_substitutions()) {
    if (row.applies) continue;
    const std::string name(row.op);
    const size_t dot = std::min(name.find('.'), name.size());
    const auto op = c10::Dispatcher::singleton().findSchema(
        {name.substr(0, dot), name.substr(std::min(dot + 1, name.size()))});
    ASSERT_TRUE(op) << row.op;
    EXPECT_FALSE(op->hasComputedKernelForDispatchKey(c10::DispatchKey::CPU)) << row.op;
  }
}

TEST(Substitution, FlashAttentionIsThatOfTheCpuBitByBit) {
  at::manual_seed(1);
  Tensor q = at::randn({2, 3, 5, 8}), k = at::randn({2, 3, 7, 8}), v = at::randn({2, 3, 7, 8});
  for (const bool causal : {false, true}) {
    const Stack got = substituted("aten::_scaled_dot_product_flash_attention", q, k, v, 0.0, causal,
                                  false, c10::IValue());
    const auto [out, lse] = at::_scaled_dot_product_flash_attention_for_cpu(q, k, v, 0.0, causal);
    ASSERT_EQ(got.size(), 9u);
    EXPECT_TRUE(got[0].toTensor().equal(out));
    EXPECT_TRUE(got[1].toTensor().equal(lse));
    EXPECT_EQ(got[4].toInt(), 5);
    EXPECT_EQ(got[5].toInt(), 7);
    const Tensor grad = at::randn_like(out), none;
    const Stack back =
        substituted("aten::_scaled_dot_product_flash_attention_backward", grad, q, k, v, out, lse,
                    none, none, 5, 7, 0.0, causal, none, none, c10::IValue());
    const auto [dq, dk, dv] = at::_scaled_dot_product_flash_attention_for_cpu_backward(
        grad, q, k, v, out, lse, 0.0, causal);
    EXPECT_TRUE(back[0].toTensor().equal(dq));
    EXPECT_TRUE(back[1].toTensor().equal(dk));
    EXPECT_TRUE(back[2].toTensor().equal(dv));
  }
}

TEST(Substitution, MaskedAttentionIsThatOfTheCpuBitByBit) {
  at::manual_seed(1);
  const Tensor q = at::randn({2, 3, 5, 8}), k = at::randn({2, 3, 7, 8}),
               v = at::randn({2, 3, 7, 8});
  // As torch hands it over: padded to eights and cut again, then expanded.
  const Tensor mask = at::randn({2, 1, 1, 8}).slice(3, 0, 7).expand({2, 3, 5, 7});
  const Tensor none;
  const Stack got = substituted("aten::_scaled_dot_product_efficient_attention", q, k, v, mask,
                                true, 0.0, false, c10::IValue());
  const auto [out, lse] =
      at::_scaled_dot_product_flash_attention_for_cpu(q, k, v, 0.0, false, mask.contiguous());
  ASSERT_EQ(got.size(), 4u);
  EXPECT_TRUE(got[0].toTensor().equal(out));
  EXPECT_TRUE(got[1].toTensor().equal(lse));
  const Tensor scores = at::matmul(q, k.mT()) / std::sqrt(8.0) + mask;
  EXPECT_TRUE(at::allclose(out, at::softmax(scores, -1).matmul(v), 1e-5, 1e-6));
  const Tensor grad = at::randn_like(out);
  const Stack back = substituted("aten::_scaled_dot_product_efficient_attention_backward", grad, q,
                                 k, v, mask, out, lse, none, none, 0.0,
                                 c10::List<bool>({true, true, true, false}), false, c10::IValue());
  const auto [dq, dk, dv] = at::_scaled_dot_product_flash_attention_for_cpu_backward(
      grad, q, k, v, out, lse, 0.0, false, mask.contiguous());
  ASSERT_EQ(back.size(), 4u);
  EXPECT_TRUE(back[0].toTensor().equal(dq));
  EXPECT_TRUE(back[1].toTensor().equal(dk));
  EXPECT_TRUE(back[2].toTensor().equal(dv));
}

TEST(Substitution, AttentionRefusesDropout) {
  const Tensor q = at::randn({1, 1, 2, 8});
  EXPECT_THROW(substituted("aten::_scaled_dot_product_flash_attention", q, q, q, 0.5, false, false,
                           c10::IValue()),
               c10::NotImplementedError);
}

TEST(Substitution, CellsRefuseGatesThatAreNoEqualParts) {
  const Tensor gates = at::zeros({3, 3}), state = at::zeros({3, 1});
  EXPECT_THROW(
      substituted("aten::_thnn_fused_lstm_cell", gates, gates, state, c10::IValue(), c10::IValue()),
      c10::Error);
  EXPECT_THROW(substituted("aten::_thnn_fused_gru_cell_backward", state, gates, true), c10::Error);
}

TEST(Substitution, LstmCellAndItsBackward) {
  at::manual_seed(2);
  const Tensor input = leaf({3, 20}), hidden = leaf({3, 20}), cx = leaf({3, 5});
  const Tensor input_bias = leaf({20}), hidden_bias = leaf({20});
  const Tensor gates = input + input_bias + hidden + hidden_bias;
  const auto part = gates.chunk(4, 1);
  const Tensor cy = part[1].sigmoid() * cx + part[0].sigmoid() * part[2].tanh();
  const Tensor hy = part[3].sigmoid() * cy.tanh();
  const Tensor grad_hy = at::randn_like(hy), grad_cy = at::randn_like(cy);
  ((hy * grad_hy).sum() + (cy * grad_cy).sum()).backward();

  const c10::AutoGradMode no_grad(false);
  const Stack forward =
      substituted("aten::_thnn_fused_lstm_cell", input, hidden, cx, input_bias, hidden_bias);
  expect_close(forward[0].toTensor(), hy);
  expect_close(forward[1].toTensor(), cy);
  const Stack back = substituted("aten::_thnn_fused_lstm_cell_backward_impl", grad_hy, grad_cy, cx,
                                 cy, forward[2].toTensor(), true);
  expect_close(back[0].toTensor(), input.grad());
  expect_close(back[1].toTensor(), cx.grad());
  expect_close(back[2].toTensor(), input_bias.grad());
}

TEST(Substitution, LstmBackwardTakesEitherGradientAlone) {
  const Tensor input = at::randn({3, 20}), cx = at::randn({3, 5});
  const Stack forward =
      substituted("aten::_thnn_fused_lstm_cell", input, input, cx, c10::IValue(), c10::IValue());
  const Tensor cy = forward[1].toTensor(), workspace = forward[2].toTensor();
  const Tensor grad = at::randn({3, 5}), zero = at::zeros({3, 5});
  const char* op = "aten::_thnn_fused_lstm_cell_backward_impl";
  EXPECT_TRUE(substituted(op, grad, c10::IValue(), cx, cy, workspace, false)[0].toTensor().equal(
      substituted(op, grad, zero, cx, cy, workspace, false)[0].toTensor()));
  const Stack only_cy = substituted(op, c10::IValue(), grad, cx, cy, workspace, false);
  EXPECT_TRUE(only_cy[1].toTensor().equal(
      substituted(op, zero, grad, cx, cy, workspace, false)[1].toTensor()));
  EXPECT_FALSE(only_cy[2].toTensor().defined());
}

TEST(Substitution, GruCellAndItsBackward) {
  at::manual_seed(3);
  const Tensor input = leaf({3, 15}), hidden = leaf({3, 15}), hx = leaf({3, 5});
  const Tensor input_bias = leaf({15}), hidden_bias = leaf({15});
  const auto i = (input + input_bias).chunk(3, 1), h = (hidden + hidden_bias).chunk(3, 1);
  const Tensor reset = (i[0] + h[0]).sigmoid(), update = (i[1] + h[1]).sigmoid();
  const Tensor state = (i[2] + reset * h[2]).tanh();
  const Tensor hy = state + update * (hx - state);
  const Tensor grad = at::randn_like(hy);
  (hy * grad).sum().backward();

  const c10::AutoGradMode no_grad(false);
  const Stack forward =
      substituted("aten::_thnn_fused_gru_cell", input, hidden, hx, input_bias, hidden_bias);
  expect_close(forward[0].toTensor(), hy);
  const Stack back =
      substituted("aten::_thnn_fused_gru_cell_backward", grad, forward[1].toTensor(), true);
  expect_close(back[0].toTensor(), input.grad());
  expect_close(back[1].toTensor(), hidden.grad());
  expect_close(back[2].toTensor(), hx.grad());
  expect_close(back[3].toTensor(), input_bias.grad());
  expect_close(back[4].toTensor(), hidden_bias.grad());
}

TEST(Substitution, RmsNormBackward) {
  at::manual_seed(4);
  const Tensor input = leaf({2, 3, 4}), weight = leaf({4});
  const Tensor rstd = (input.square().mean({2}, true) + 1e-6).rsqrt();
  const Tensor out = input * rstd * weight;
  const Tensor grad = at::randn_like(out);
  (out * grad).sum().backward();

  const c10::AutoGradMode no_grad(false);
  const auto both = c10::List<bool>({true, true});
  const Stack back = substituted("aten::_fused_rms_norm_backward", grad, input.detach(),
                                 std::vector<int64_t>{4}, rstd.detach(), weight.detach(), both);
  expect_close(back[0].toTensor(), input.grad());
  expect_close(back[1].toTensor(), weight.grad());
  const Stack plain = substituted("aten::_fused_rms_norm_backward", grad, input.detach(),
                                  std::vector<int64_t>{4}, rstd.detach(), c10::IValue(), both);
  EXPECT_FALSE(plain[1].toTensor().defined());
}

class SubstitutionCall : public CallTest {};

TEST_F(SubstitutionCall, IsWhatACallOfTheOperatorRuns) {
  const Tensor input = at::randn({3, 20}), cx = at::randn({3, 5});
  const auto out = run(
      "aten::_thnn_fused_lstm_cell(f32[3,20], f32[3,20], f32[3,5], none, undefined) -> f32[3,5], "
      "f32[3,5], f32[3,20]?",
      {input, input, cx});
  EXPECT_EQ(status_, ok_status()) << status_.to_string();
  const Stack wanted =
      substituted("aten::_thnn_fused_lstm_cell", input, input, cx, c10::IValue(), c10::IValue());
  EXPECT_TRUE(same_values(out[0], wanted[0].toTensor()));
  EXPECT_TRUE(same_values(out[2], wanted[2].toTensor()));
}

TEST_F(SubstitutionCall, SoftmaxOfHalfInFloatIsThatOfTheValuesInFloat) {
  at::manual_seed(5);
  const Tensor x = at::randn({4, 6}).to(at::kHalf);
  const Tensor wanted = at::log_softmax(x.to(at::kFloat), 1);
  const auto out = run("aten::_log_softmax(f16[4,6], 1, true) -> f32[4,6]", {x});
  ASSERT_EQ(status_, ok_status()) << status_.to_string();
  EXPECT_TRUE(same_values(out[0], wanted));
  EXPECT_TRUE(same_values(run("aten::_softmax(f16[4,6], 1, true) -> f32[4,6]", {x})[0],
                          at::softmax(x.to(at::kFloat), 1)));

  const Tensor grad = at::randn({4, 6});
  const auto back =
      run("aten::_log_softmax_backward_data(f32[4,6], f32[4,6], 1, 5) -> f16[4,6]", {grad, wanted});
  ASSERT_EQ(status_, ok_status()) << status_.to_string();
  EXPECT_TRUE(same_values(
      back[0], at::_log_softmax_backward_data(grad, wanted, 1, at::kFloat).to(at::kHalf)));
}

TEST_F(SubstitutionCall, WholeNumbersAreCountedToo) {
  const Tensor x = at::tensor({0, 3, 3, 1, 7, 3}, at::kInt);
  const auto out = run("aten::histc(i32[6], 4, 0, 3) -> i32[4]", {x});
  ASSERT_EQ(status_, ok_status()) << status_.to_string();
  EXPECT_TRUE(out[0].equal(at::tensor({1, 1, 0, 3}, at::kInt)));
  EXPECT_EQ(find_substitute(parse("aten::histc(f32[6], 4, 0, 3) -> f32[4]")), nullptr);
}

TEST(Substitution, SoftmaxOfOneTypeIsTheLibrarys) {
  for (const char* text : {"aten::_softmax(f32[4,6], 1, false) -> f32[4,6]",
                           "aten::_log_softmax_backward_data(f32[4], f32[4], 0, 6) -> f32[4]"}) {
    EXPECT_EQ(find_substitute(*ops::call_signature_from_string(text)), nullptr) << text;
  }
}

TEST(Substitution, ProductsWithAWiderResult) {
  at::manual_seed(5);
  const int64_t single = static_cast<int64_t>(at::kFloat);
  const Tensor a = at::randn({3, 4}).to(at::kHalf), b = at::randn({4, 5}).to(at::kHalf);
  const Tensor bias = at::randn({5}).to(at::kHalf),
               wanted = at::mm(a.to(at::kFloat), b.to(at::kFloat));
  EXPECT_TRUE(substituted("aten::mm.dtype", a, b, single)[0].toTensor().equal(wanted));
  Tensor out = at::empty({0}, at::kFloat);
  substituted("aten::mm.dtype_out", a, b, single, out);
  EXPECT_TRUE(out.equal(wanted));
  EXPECT_TRUE(
      substituted("aten::bmm.dtype", a.unsqueeze(0), b.unsqueeze(0), single)[0].toTensor().equal(
          wanted.unsqueeze(0)));
  expect_close(substituted("aten::addmm.dtype", bias, a, b, single, at::Scalar(2), at::Scalar(3))[0]
                   .toTensor(),
               at::addmm(bias.to(at::kFloat), a.to(at::kFloat), b.to(at::kFloat), 2, 3));
  EXPECT_THROW(substituted("aten::mm.dtype", a.to(at::kDouble), b.to(at::kDouble), single),
               c10::Error);
}

TEST(Substitution, BatchNormInPartsIsBatchNorm) {
  at::manual_seed(6);
  const Tensor input = leaf({6, 4, 5}), weight = leaf({4}), bias = leaf({4});
  const double eps = 1e-5;
  Tensor running_mean = at::zeros({4}, at::kDouble), running_var = at::ones({4}, at::kDouble);
  const Tensor wanted = at::batch_norm(input, weight, bias, running_mean.clone(),
                                       running_var.clone(), true, 0.1, eps, false);
  const Tensor grad = at::randn_like(wanted);
  wanted.backward(grad);

  const c10::AutoGradMode no_grad(false);
  // As two processes would: four samples here, two there.
  std::vector<Tensor> means, spreads;
  for (const Tensor& part : input.split_with_sizes({4, 2})) {
    const Stack stats = substituted("aten::batch_norm_stats", part, eps);
    means.push_back(stats[0].toTensor());
    spreads.push_back(stats[1].toTensor());
  }
  const Stack all = substituted("aten::batch_norm_gather_stats_with_counts", input,
                                at::stack(means), at::stack(spreads), running_mean, running_var,
                                0.1, eps, at::tensor({20.0, 10.0}, at::kDouble));
  const Tensor mean = all[0].toTensor(), invstd = all[1].toTensor();
  expect_close(
      substituted("aten::batch_norm_elemt", input, weight, bias, mean, invstd, eps)[0].toTensor(),
      wanted);
  expect_close(running_mean, input.mean(at::IntArrayRef({0, 2})) * 0.1);
  expect_close(running_var, input.var(at::IntArrayRef({0, 2})) * 0.1 + 0.9);
  const Stack sums = substituted("aten::batch_norm_backward_reduce", grad, input, mean, invstd,
                                 weight, true, true, true);
  expect_close(sums[2].toTensor(), weight.grad());
  expect_close(sums[3].toTensor(), bias.grad());
  expect_close(
      substituted("aten::batch_norm_backward_elemt", grad, input, mean, invstd, weight,
                  sums[0].toTensor(), sums[1].toTensor(), at::tensor({20, 10}, at::kInt))[0]
          .toTensor(),
      input.grad());
}

}  // namespace
}  // namespace moai::device
