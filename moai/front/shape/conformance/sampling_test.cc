// Embedding bags, drawing operators, windows and orders.
#include <gtest/gtest.h>

#include "moai/front/shape/conformance/calls.h"

namespace moai::front::shape {
namespace {

using c10::IValue;
using Ints = std::vector<int64_t>;

const IValue kNone;

TEST(EmbeddingBagTest, KeepsWhatTheBackwardReads) {
  const at::Tensor places = indices({6}), starts = at::tensor({0, 2, 5}, at::kLong);
  for (const auto type : {at::kFloat, at::kDouble, at::kHalf, at::kBFloat16}) {
    for (const at::Tensor& weight : {plain({4, 3}, type), transposed({4, 3}, type)}) {
      for (const int64_t mode : {0, 1, 2}) {
        for (const int64_t padding : {-1, 1}) {
          for (const bool ends : {false, true}) {
            for (const char* name : {"aten::_embedding_bag", "aten::_embedding_bag_forward_only"}) {
              EXPECT_EQ(difference(name, {weight, places, starts, false, mode, false, kNone, ends,
                                          padding}),
                        "");
            }
          }
        }
      }
      EXPECT_EQ(difference("aten::_embedding_bag", {weight, places.to(at::kInt), starts, false, 0,
                                                    false, plain({6}, type), false, -1}),
                "");
    }
  }
}

TEST(SamplingTest, DrawsLieContiguous) {
  for (const at::Tensor& t : {plain({2, 3, 4}), transposed({2, 3, 4}), sliced({2, 3, 4})}) {
    EXPECT_EQ(difference("aten::bernoulli", {t, kNone}), "");
    EXPECT_EQ(difference("aten::bernoulli.p", {t, 0.5, kNone}), "");
    EXPECT_EQ(difference("aten::poisson", {t, kNone}), "");
    EXPECT_EQ(difference("aten::_standard_gamma", {t, kNone}), "");
    EXPECT_EQ(difference("aten::_sample_dirichlet", {t, kNone}), "");
    EXPECT_EQ(difference("aten::binomial", {t, t, kNone}), "");
  }
  EXPECT_EQ(difference("aten::multinomial", {plain({5}), 3, false, kNone}), "");
  EXPECT_EQ(difference("aten::multinomial", {plain({2, 5}), 9, true, kNone}), "");
  EXPECT_EQ(difference("aten::multinomial", {plain({2, 5}), 9, false, kNone}), "");
  EXPECT_EQ(difference("aten::multinomial", {plain({2, 5}), 0, true, kNone}), "");
  EXPECT_EQ(difference("aten::multinomial", {plain({2, 5, 1}), 1, true, kNone}), "");
  EXPECT_EQ(difference("aten::multinomial", {plain({5}, at::kLong), 1, true, kNone}), "");
}

TEST(OrderTest, RollAndRunningExtrema) {
  for (const at::Tensor& t :
       {plain({2, 3, 4, 5}), transposed({2, 3, 4, 5}), channels_last({2, 3, 4, 5}),
        sliced({2, 3, 4, 5}), plain({0, 3}), expanded({2, 3})}) {
    EXPECT_EQ(difference("aten::cummax", {t, 1}), "");
    EXPECT_EQ(difference("aten::cummin", {t, -2}), "");
    EXPECT_EQ(difference("aten::cummin", {t, 7}), "");
    EXPECT_EQ(difference("aten::roll", {t, Ints{1}, Ints{0}}), "");
    EXPECT_EQ(difference("aten::roll", {t, Ints{0}, Ints{1}}), "");
    EXPECT_EQ(difference("aten::roll", {t, Ints{2, 1}, Ints{0, 1}}), "");
    EXPECT_EQ(difference("aten::roll", {t, Ints{2}, Ints{}}), "");
    EXPECT_EQ(difference("aten::roll", {t, Ints{2, 1}, Ints{0}}), "");
    EXPECT_EQ(difference("aten::roll", {t, Ints{2}, Ints{9}}), "");
  }
}

TEST(WindowTest, Im2colGridsAndPools) {
  const Ints two = {2, 2}, one = {1, 1}, none = {0, 0};
  for (const at::Tensor& t : {plain({2, 3, 6, 5}), channels_last({2, 3, 6, 5}), plain({3, 6, 5})}) {
    EXPECT_EQ(difference("aten::im2col", {t, two, one, one, two}), "");
    EXPECT_EQ(difference("aten::im2col", {t, two, two, none, one}), "");
    EXPECT_EQ(difference("aten::im2col", {t, Ints{9, 9}, one, none, one}), "");
    EXPECT_EQ(difference("aten::im2col", {t, none, one, none, one}), "");
  }
  EXPECT_EQ(difference("aten::im2col", {plain({6, 5}), two, one, one, two}), "");
  const at::Tensor grid = plain({2, 4, 7, 2}), space = plain({2, 4, 7, 3, 3});
  for (const at::Tensor& t : {plain({2, 3, 6, 5}), channels_last({2, 3, 6, 5}), plain({1, 3, 6, 5}),
                              plain({2, 3, 0, 5})}) {
    EXPECT_EQ(difference("aten::grid_sampler_2d", {t, grid, 0, 0, false}), "");
    EXPECT_EQ(difference("aten::grid_sampler_2d", {t, space, 0, 0, false}), "");
  }
  EXPECT_EQ(
      difference("aten::grid_sampler_2d_backward", {plain({2, 3, 4, 7}), plain({2, 3, 6, 5}), grid,
                                                    0, 0, false, c10::List<bool>({true, true})}),
      "");
  const at::Tensor volume = plain({2, 3, 6, 5, 4});
  EXPECT_EQ(difference("aten::grid_sampler_3d", {volume, space, 0, 0, false}), "");
  EXPECT_EQ(difference("aten::grid_sampler_3d", {volume, space, 2, 0, false}), "");
  EXPECT_EQ(difference("aten::_adaptive_avg_pool3d", {volume, Ints{2, 3, 1}}), "");
  EXPECT_EQ(difference("aten::_adaptive_avg_pool3d", {plain({3, 6, 5, 4}), Ints{2, 3, 1}}), "");
  EXPECT_EQ(difference("aten::_adaptive_avg_pool3d", {plain({6, 5, 4}), Ints{2, 3, 1}}), "");
  EXPECT_EQ(difference("aten::_adaptive_avg_pool3d_backward", {plain({2, 3, 2, 3, 1}), volume}),
            "");
}

TEST(OrderTest, KthValueAndBuckets) {
  for (const at::Tensor& t : {plain({2, 3, 4}), transposed({2, 3, 4}), plain({})}) {
    for (const int64_t k : {1, 3, 9, 0}) {
      EXPECT_EQ(difference("aten::kthvalue", {t, k, -1, false}), "");
      EXPECT_EQ(difference("aten::kthvalue", {t, k, 0, true}), "");
    }
    EXPECT_EQ(difference("aten::bucketize.Tensor", {t, plain({3}), false, true}), "");
    EXPECT_EQ(difference("aten::bucketize.Tensor", {t, plain({3}), true, false}), "");
    EXPECT_EQ(difference("aten::bucketize.Tensor", {t, plain({3, 1}), true, false}), "");
  }
}

TEST(RangeTest, AnOutputOfTheRightLengthKeepsItsShape) {
  for (const at::Tensor& out : {plain({2, 3}), plain({6}), plain({0}), plain({0, 2})}) {
    for (const int64_t steps : {6, 0, 1, -1}) {
      EXPECT_EQ(difference("aten::linspace.out", {0, 1, steps, out.clone()}), "");
      EXPECT_EQ(difference("aten::linspace.Tensor_Tensor_out",
                           {number(0), number(1), steps, out.clone()}),
                "");
      EXPECT_EQ(
          difference("aten::logspace.Tensor_Scalar_out", {number(0), 1, steps, 10.0, out.clone()}),
          "");
    }
  }
}

TEST(ErrorTest, OfArgumentsThatNoKernelTakes) {
  const at::Tensor image = plain({1, 3, 8, 8}), weight = plain({4, 3, 3, 3});
  const Ints one = {1, 1}, none = {0, 0}, less = {-1, -1};
  const auto convolution = [&](const Ints& stride, const Ints& padding, const Ints& dilation) {
    return difference("aten::convolution",
                      {image, weight, kNone, stride, padding, dilation, false, none, 1});
  };
  EXPECT_EQ(convolution(none, none, one), "");
  EXPECT_EQ(convolution(one, less, one), "");
  EXPECT_EQ(convolution(one, none, none), "");
  EXPECT_EQ(convolution(one, none, less), "");
  EXPECT_EQ(difference("aten::gelu", {image, "sinh"}), "");
  EXPECT_EQ(difference("aten::abs_", {plain({2}, at::kComplexFloat)}), "");
  EXPECT_EQ(difference("aten::masked_scatter_", {plain({2}), plain({2}, at::kByte), plain({2})}),
            "");
}

TEST(DropoutTest, OfWholeNumbersIsReal) {
  for (const auto type : {at::kInt, at::kBool, at::kHalf}) {
    const at::Tensor t = plain({2, 3}, type);
    EXPECT_EQ(difference("aten::native_dropout_backward", {t, t.to(at::kBool), 2.0}), "");
  }
}

TEST(PointwiseTest, HardtanhKeepsWholeNumbers) {
  EXPECT_EQ(difference("aten::hardtanh", {plain({2, 3}, at::kInt), -1.5, 1.5}), "");
  EXPECT_EQ(difference("aten::hardtanh", {transposed({2, 3}, at::kShort), -1, 1}), "");
}

}  // namespace
}  // namespace moai::front::shape
