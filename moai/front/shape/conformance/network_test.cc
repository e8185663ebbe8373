// Layers of networks: norms, convolution, pools, attention, embeddings.
#include <gtest/gtest.h>

#include "moai/front/shape/conformance/calls.h"

namespace moai::front::shape {
namespace {

using c10::IValue;
using Ints = std::vector<int64_t>;

const IValue kNone;

IValue mask(bool a, bool b, bool c) { return c10::List<bool>({a, b, c}); }

std::vector<at::Tensor> images(c10::ScalarType type = at::kFloat) {
  return {plain({2, 4, 6, 6}, type), transposed({2, 4, 6, 6}, type),
          channels_last({2, 4, 6, 6}, type), sliced({2, 4, 6, 6}, type)};
}

TEST(NormTest, LayerNorm) {
  for (const at::Tensor& t : {plain({2, 3, 4}), transposed({2, 3, 4}), sliced({2, 3, 4}),
                              plain({2, 3, 4}, at::kBFloat16), plain({0, 3, 4})}) {
    for (const at::Tensor& w : {plain({4}), plain({4}, t.scalar_type()), at::Tensor()}) {
      const IValue weight = w.defined() ? IValue(w) : kNone;
      EXPECT_EQ(difference("aten::native_layer_norm", {t, Ints{4}, weight, weight, 1e-5}), "");
      const at::Tensor kept =
          plain({t.size(0), 3, 1}, w.defined() ? w.scalar_type() : t.scalar_type());
      EXPECT_EQ(
          difference("aten::native_layer_norm_backward", {t, t, Ints{4}, kept, kept, weight, weight,
                                                          mask(true, w.defined(), w.defined())}),
          "");
    }
  }
  EXPECT_EQ(difference("aten::native_layer_norm", {plain({2, 3}), Ints{4}, kNone, kNone, 1e-5}),
            "");
  EXPECT_EQ(difference("aten::native_layer_norm", {plain({2, 3}), Ints{2, 3}, kNone, kNone, 1e-5}),
            "");
  EXPECT_EQ(
      difference("aten::native_layer_norm", {plain({2, 3}), Ints{3}, plain({2}), kNone, 1e-5}), "");
}

TEST(NormTest, BatchNorm) {
  for (const auto type : {at::kFloat, at::kDouble, at::kBFloat16}) {
    for (const at::Tensor& t : images(type)) {
      for (const at::Tensor& w : {plain({4}, type), plain({4})}) {
        if (type == at::kDouble && w.scalar_type() != type) continue;
        for (const bool training : {true, false}) {
          EXPECT_EQ(difference("aten::native_batch_norm",
                               {t, w, w, w.clone(), w.clone(), training, 0.1, 1e-5}),
                    "");
          EXPECT_EQ(difference("aten::_native_batch_norm_legit",
                               {t, w, w, w.clone(), w.clone(), training, 0.1, 1e-5}),
                    "");
          EXPECT_EQ(
              difference(training ? "aten::_batch_norm_with_update" : "aten::_batch_norm_no_update",
                         {t, w, w, w.clone(), w.clone(), 0.1, 1e-5}),
              "");
          EXPECT_EQ(difference("aten::native_batch_norm_backward",
                               {t, t, w, w, w, w, w, training, 1e-5, mask(true, true, true)}),
                    "");
        }
      }
    }
  }
  EXPECT_EQ(difference("aten::native_batch_norm",
                       {plain({3, 4}), kNone, kNone, kNone, kNone, true, 0.1, 1e-5}),
            "");
  EXPECT_EQ(difference("aten::_native_batch_norm_legit.no_stats",
                       {plain({3, 4}), kNone, kNone, true, 0.1, 1e-5}),
            "");
  EXPECT_EQ(difference("aten::native_batch_norm_backward",
                       {plain({3, 4}), plain({3, 4}), kNone, kNone, kNone, plain({4}), plain({4}),
                        true, 1e-5, mask(true, true, false)}),
            "");
}

TEST(NormTest, GroupNorm) {
  for (const at::Tensor& t :
       {plain({2, 4, 6, 6}), channels_last({2, 4, 6, 6}), plain({2, 4, 6, 6}, at::kBFloat16)}) {
    const at::Tensor w = plain({4});
    EXPECT_EQ(difference("aten::native_group_norm", {t, w, w, 2, 4, 36, 2, 1e-5}), "");
    const at::Tensor kept = plain({2, 2});
    EXPECT_EQ(difference("aten::native_group_norm_backward",
                         {t, t, kept, kept, w, 2, 4, 36, 2, mask(true, true, true)}),
              "");
  }
}

TEST(ConvolutionTest, TakesTheFormatOfItsOperands) {
  for (const auto type : {at::kFloat, at::kDouble, at::kBFloat16}) {
    for (const at::Tensor& t : images(type)) {
      for (const at::Tensor& w : {plain({8, 4, 3, 3}, type), channels_last({8, 4, 3, 3}, type),
                                  plain({8, 4, 1, 1}, type)}) {
        EXPECT_EQ(difference("aten::convolution", {t, w, plain({8}, type), Ints{2, 1}, Ints{1, 1},
                                                   Ints{1, 1}, false, Ints{0, 0}, 1}),
                  "");
        const at::Tensor grad = at::conv2d(t, w, {}, {2, 1}, {1, 1});
        EXPECT_EQ(difference("aten::convolution_backward",
                             {grad, t, w, Ints{8}, Ints{2, 1}, Ints{1, 1}, Ints{1, 1}, false,
                              Ints{0, 0}, 1, mask(true, true, true)}),
                  "");
      }
      const at::Tensor up = plain({4, 3, 3, 3}, type);
      EXPECT_EQ(difference("aten::convolution",
                           {t, up, kNone, Ints{2, 2}, Ints{1, 1}, Ints{1, 1}, true, Ints{1, 1}, 2}),
                "");
    }
  }
  EXPECT_EQ(difference("aten::convolution", {plain({2, 4, 9}), plain({6, 2, 3}), kNone, Ints{1},
                                             Ints{0}, Ints{2}, false, Ints{0}, 2}),
            "");
  EXPECT_EQ(difference("aten::convolution",
                       {channels_last({2, 4, 5, 5, 5}), plain({6, 4, 3, 3, 3}), kNone,
                        Ints{1, 1, 1}, Ints{1, 1, 1}, Ints{1, 1, 1}, false, Ints{0, 0, 0}, 1}),
            "");
}

TEST(ConvolutionTest, OfOneChannel) {
  for (const auto type : {at::kFloat, at::kDouble}) {
    for (const at::Tensor& t : {plain({2, 1, 6, 6}, type), channels_last({2, 1, 6, 6}, type)}) {
      const at::Tensor w = plain({8, 1, 3, 3}, type);
      EXPECT_EQ(difference("aten::convolution",
                           {t, w, kNone, Ints{1, 1}, Ints{0, 0}, Ints{1, 1}, false, Ints{0, 0}, 1}),
                "");
      EXPECT_EQ(difference("aten::convolution_backward",
                           {at::conv2d(t, w), t, w, Ints{8}, Ints{1, 1}, Ints{0, 0}, Ints{1, 1},
                            false, Ints{0, 0}, 1, mask(true, true, false)}),
                "");
    }
  }
}

TEST(ConvolutionTest, RaisesTorchsText) {
  const auto raised = [](const at::Tensor& t, const at::Tensor& w, const IValue& bias) {
    return difference("aten::convolution",
                      {t, w, bias, Ints{1, 1}, Ints{0, 0}, Ints{1, 1}, false, Ints{0, 0}, 1});
  };
  EXPECT_EQ(raised(plain({2, 3, 6, 6}), plain({8, 4, 3, 3}), kNone), "");
  EXPECT_EQ(raised(plain({2, 4, 2, 2}), plain({8, 4, 3, 3}), kNone), "");
  EXPECT_EQ(raised(plain({2, 4, 6, 6}), plain({8, 4, 3, 3}), plain({7})), "");
  EXPECT_EQ(raised(plain({2, 4, 6}), plain({8, 4, 3, 3}), kNone), "");
  EXPECT_EQ(raised(plain({2, 4, 6, 6}), plain({8, 4, 3, 3}, at::kDouble), kNone), "");
  EXPECT_EQ(raised(plain({2, 4, 6, 6}), plain({8, 4, 3, 3}), plain({8}, at::kDouble)), "");
}

TEST(PoolTest, InfersWhatTheKernelReturns) {
  for (const at::Tensor& t : images()) {
    const Values window = {t, Ints{2, 2}, Ints{2, 2}, Ints{0, 0}};
    EXPECT_EQ(difference("aten::max_pool2d_with_indices", window), "");
    EXPECT_EQ(difference("aten::avg_pool2d", window), "");
    EXPECT_EQ(difference("aten::max_pool2d_with_indices", {t, Ints{9, 9}}), "");
    EXPECT_EQ(difference("aten::max_pool2d_with_indices_backward",
                         {plain({2, 4, 3, 3}), t, Ints{2, 2}, Ints{2, 2}, Ints{0, 0}, Ints{1, 1},
                          false, indices({2, 4, 3, 3})}),
              "");
    EXPECT_EQ(difference("aten::avg_pool2d_backward", {plain({2, 4, 3, 3}), t, Ints{2, 2},
                                                       Ints{2, 2}, Ints{0, 0}, false, true, kNone}),
              "");
    EXPECT_EQ(difference("aten::_adaptive_avg_pool2d", {t, Ints{2, 3}}), "");
    EXPECT_EQ(difference("aten::_adaptive_avg_pool2d_backward", {plain({2, 4, 2, 3}), t}), "");
    EXPECT_EQ(difference("aten::adaptive_max_pool2d", {t, Ints{2, 3}}), "");
    EXPECT_EQ(difference("aten::upsample_nearest2d", {t, Ints{12, 12}}), "");
    EXPECT_EQ(difference("aten::upsample_bilinear2d", {t, Ints{12, 12}, false}), "");
    EXPECT_EQ(difference("aten::upsample_nearest2d_backward",
                         {plain({2, 4, 12, 12}), Ints{12, 12}, Ints{2, 4, 6, 6}}),
              "");
  }
  EXPECT_EQ(difference("aten::_adaptive_avg_pool2d", {plain({4, 6, 6}), Ints{2, 3}}), "");
  EXPECT_EQ(difference("aten::_adaptive_avg_pool2d", {plain({6, 6}), Ints{2, 3}}), "");
  EXPECT_EQ(difference("aten::reflection_pad1d", {plain({2, 3, 5}), Ints{1, 1}}), "");
  EXPECT_EQ(difference("aten::replication_pad2d", {plain({2, 3, 5, 5}), Ints{1, 1, 2, 2}}), "");
}

TEST(EmbeddingTest, InfersWhatTheKernelReturns) {
  for (const at::Tensor& w : {plain({7, 4}), transposed({7, 4}), plain({7, 4}, at::kBFloat16)}) {
    for (const Ints& sizes : {Ints{}, Ints{3}, Ints{2, 3}, Ints{0}}) {
      EXPECT_EQ(difference("aten::embedding", {w, indices(sizes)}), "");
      Ints grad = sizes;
      grad.push_back(4);
      EXPECT_EQ(difference("aten::embedding_dense_backward",
                           {plain(grad, w.scalar_type()), indices(sizes), 7, -1, false}),
                "");
    }
  }
  EXPECT_EQ(difference("aten::embedding", {plain({7}), indices({2})}), "");
  EXPECT_EQ(difference("aten::embedding", {plain({7, 4}), plain({2})}), "");
}

TEST(DropoutTest, InfersWhatTheKernelReturns) {
  for (const at::Tensor& t : {plain({2, 3, 4}), transposed({2, 3, 4}), sliced({2, 3, 4}),
                              expanded({2, 3, 4}), plain({}), plain({0, 3})}) {
    EXPECT_EQ(difference("aten::native_dropout", {t, 0.5, true}), "");
    EXPECT_EQ(difference("aten::native_dropout", {t, 0.5, kNone}), "");
    EXPECT_EQ(difference("aten::native_dropout", {t, 0.5, false}), "");
  }
}

TEST(AttentionTest, LiesAsTheKernelLeavesIt) {
  for (const auto type : {at::kFloat, at::kBFloat16}) {
    const at::Tensor inside = plain({2, 6, 4, 8}, type).transpose(1, 2);
    for (const at::Tensor& q : {plain({2, 4, 6, 8}, type), inside}) {
      EXPECT_EQ(difference("aten::_scaled_dot_product_flash_attention_for_cpu", {q, q, q}), "");
      const auto [out, sums] = at::_scaled_dot_product_flash_attention_for_cpu(q, q, q);
      EXPECT_EQ(difference("aten::_scaled_dot_product_flash_attention_for_cpu_backward",
                           {out, q, q, q, out, sums, 0.0, false}),
                "");
    }
  }
}

}  // namespace
}  // namespace moai::front::shape
