// Activations, losses and what their gradients look like.
#include <gtest/gtest.h>

#include "moai/front/shape/conformance/calls.h"

namespace moai::front::shape {
namespace {

using c10::IValue;

const IValue kNone;

std::vector<at::Tensor> layouts() {
  return {plain({2, 3, 4, 5}), transposed({2, 3, 4, 5}), channels_last({2, 3, 4, 5}),
          sliced({2, 3, 4, 5})};
}

TEST(GradientTest, OfActivationsFollowsTheOperands) {
  const std::vector<std::pair<const char*, Values>> calls = {
      {"aten::threshold_backward", {0}},
      {"aten::gelu_backward", {"tanh"}},
      {"aten::elu_backward", {1.0, 1.0, 1.0, false}},
      {"aten::leaky_relu_backward", {0.1, false}},
      {"aten::softplus_backward", {1, 20}},
      {"aten::hardtanh_backward", {-1, 1}},
      {"aten::sigmoid_backward", {}},
      {"aten::tanh_backward", {}},
      {"aten::silu_backward", {}},
      {"aten::mish_backward", {}},
      {"aten::hardsigmoid_backward", {}},
      {"aten::hardswish_backward", {}},
      {"aten::hardshrink_backward", {0.5}},
      {"aten::softshrink_backward", {0.5}},
      {"aten::logit_backward", {kNone}},
      {"aten::glu_backward", {0}}};
  for (const auto& [name, rest] : calls) {
    for (const at::Tensor& a : layouts()) {
      for (const at::Tensor& b : layouts()) {
        const bool halves = std::string(name) == "aten::glu_backward";
        Values arguments = {halves ? a.slice(0, 0, 1) : a, b};
        arguments.insert(arguments.end(), rest.begin(), rest.end());
        EXPECT_EQ(difference(name, arguments), "");
      }
    }
  }
}

TEST(GradientTest, OfPreluAndLogSigmoid) {
  for (const at::Tensor& t : layouts()) {
    const at::Tensor weight = plain({1, 3, 1, 1});
    EXPECT_EQ(difference("aten::_prelu_kernel", {t, weight}), "");
    EXPECT_EQ(difference("aten::_prelu_kernel_backward", {t, t, weight}), "");
    EXPECT_EQ(difference("aten::log_sigmoid_backward", {t, t, plain({2, 3, 4, 5})}), "");
    EXPECT_EQ(difference("aten::glu", {t, 3}), "");
    EXPECT_EQ(difference("aten::glu", {t, 2}), "");
    EXPECT_EQ(difference("aten::native_dropout_backward", {t, t > 0.5, 2.0}), "");
  }
}

TEST(SoftmaxTest, InfersWhatTheKernelReturns) {
  for (const at::Tensor& t : layouts()) {
    for (const char* name : {"aten::_softmax", "aten::_log_softmax"}) {
      EXPECT_EQ(difference(name, {t, 1, false}), "");
      EXPECT_EQ(difference(name, {t, 7, false}), "");
    }
    for (const char* name : {"aten::_softmax_backward_data", "aten::_log_softmax_backward_data"}) {
      EXPECT_EQ(difference(name, {t, t, 1, at::kFloat}), "");
      EXPECT_EQ(difference(name, {t, plain({2, 3}), 1, at::kFloat}), "");
    }
  }
  EXPECT_EQ(difference("aten::_softmax", {plain({2, 3}, at::kLong), 1, false}), "");
  EXPECT_EQ(difference("aten::_softmax", {plain({2, 3}, at::kBFloat16), 1, false}), "");
}

TEST(LossTest, OfDistances) {
  for (const at::Tensor& a : layouts()) {
    for (const at::Tensor& b : layouts()) {
      for (const int64_t reduction : {0, 1, 2}) {
        EXPECT_EQ(difference("aten::mse_loss", {a, b, reduction}), "");
        EXPECT_EQ(difference("aten::smooth_l1_loss", {a, b, reduction, 1.0}), "");
        EXPECT_EQ(difference("aten::huber_loss", {a, b, reduction, 1.0}), "");
        EXPECT_EQ(difference("aten::binary_cross_entropy", {a, b, kNone, reduction}), "");
        EXPECT_EQ(
            difference("aten::binary_cross_entropy_with_logits", {a, b, kNone, kNone, reduction}),
            "");
        const at::Tensor grad = reduction ? plain({}) : a;
        EXPECT_EQ(difference("aten::mse_loss_backward", {grad, a, b, reduction}), "");
        EXPECT_EQ(difference("aten::smooth_l1_loss_backward", {grad, a, b, reduction, 1.0}), "");
        EXPECT_EQ(difference("aten::huber_loss_backward", {grad, a, b, reduction, 1.0}), "");
        EXPECT_EQ(difference("aten::binary_cross_entropy_backward", {grad, a, b, kNone, reduction}),
                  "");
      }
    }
  }
  EXPECT_EQ(difference("aten::mse_loss", {plain({2, 3}), plain({2, 4}), 1}), "");
  EXPECT_EQ(difference("aten::mse_loss", {plain({2, 3}), plain({2, 3}, at::kDouble), 1}), "");
}

TEST(LossTest, OfClasses) {
  for (const int64_t reduction : {0, 1, 2}) {
    for (const at::Tensor& t : {plain({4, 3}), transposed({4, 3})}) {
      EXPECT_EQ(difference("aten::nll_loss_forward", {t, indices({4}), kNone, reduction, -100}),
                "");
      EXPECT_EQ(difference("aten::nll_loss_forward", {t, indices({5}), kNone, reduction, -100}),
                "");
      const at::Tensor grad = plain(reduction ? at::IntArrayRef{} : at::IntArrayRef{4});
      EXPECT_EQ(difference("aten::nll_loss_backward",
                           {grad, t, indices({4}), kNone, reduction, -100, plain({})}),
                "");
    }
    const at::Tensor image = plain({2, 3, 4, 4});
    const at::Tensor grad = reduction ? plain({}) : plain({2, 4, 4});
    EXPECT_EQ(
        difference("aten::nll_loss2d_forward", {image, indices({2, 4, 4}), kNone, reduction, -100}),
        "");
    EXPECT_EQ(difference("aten::nll_loss2d_backward",
                         {grad, image, indices({2, 4, 4}), kNone, reduction, -100, plain({})}),
              "");
  }
  EXPECT_EQ(difference("aten::nll_loss_forward", {plain({3}), indices({}), kNone, 1, -100}), "");
}

}  // namespace
}  // namespace moai::front::shape
