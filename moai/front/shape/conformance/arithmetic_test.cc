// Operators that go over their operands element by element.
#include <gtest/gtest.h>

#include "moai/front/shape/conformance/calls.h"

namespace moai::front::shape {
namespace {

using at::kBFloat16;
using at::kBool;
using at::kDouble;
using at::kFloat;
using at::kInt;
using at::kLong;

constexpr c10::ScalarType kTypes[] = {kFloat, kDouble, kBFloat16, kLong, kInt, kBool};

std::vector<at::Tensor> layouts(c10::ScalarType type) {
  return {
      plain({2, 3, 4, 5}, type),  transposed({2, 3, 4, 5}, type), channels_last({2, 3, 4, 5}, type),
      sliced({2, 3, 4, 5}, type), expanded({2, 3, 4, 5}, type),   plain({}, type),
      plain({0, 3}, type),        plain({1, 3, 1, 5}, type)};
}

// A written tensor must not overlap itself.
std::vector<at::Tensor> writable(c10::ScalarType type) {
  return {plain({2, 3, 4, 5}, type), transposed({2, 3, 4, 5}, type), sliced({2, 3, 4, 5}, type),
          plain({}, type)};
}

class UnaryTest : public testing::TestWithParam<const char*> {};

TEST_P(UnaryTest, InfersWhatTheKernelReturnsForEveryLayoutAndType) {
  const std::string name = std::string("aten::") + GetParam();
  for (const auto type : kTypes) {
    for (const at::Tensor& t : layouts(type)) EXPECT_EQ(difference(name, {t}), "");
  }
}

TEST_P(UnaryTest, InPlaceKeepsTheShapeOrRaises) {
  const std::string name = std::string("aten::") + GetParam() + "_";
  for (const auto type : kTypes) {
    for (const at::Tensor& t : writable(type)) EXPECT_EQ(difference(name, {t}), "");
  }
}

TEST_P(UnaryTest, OutTakesTheShapeOfTheResult) {
  const std::string name = std::string("aten::") + GetParam() + ".out";
  EXPECT_EQ(difference(name, {transposed({3, 2}), plain({0})}), "");
  EXPECT_EQ(difference(name, {plain({2, 3}), transposed({2, 3})}), "");
  EXPECT_EQ(difference(name, {plain({2, 3}), plain({2, 3}, kLong)}), "");
}

INSTANTIATE_TEST_SUITE_P(Structured, UnaryTest,
                         testing::Values("neg", "exp", "log", "sqrt", "rsqrt", "sin", "cos", "tanh",
                                         "sigmoid", "reciprocal", "erf", "floor", "ceil", "round",
                                         "sign", "log1p", "expm1", "bitwise_not", "atan", "trunc",
                                         "silu", "mish", "hardsigmoid"));

class PlainUnaryTest : public testing::TestWithParam<const char*> {};

TEST_P(PlainUnaryTest, InfersWhatTheKernelReturnsForEveryLayoutAndType) {
  const std::string name = std::string("aten::") + GetParam();
  for (const auto type : kTypes) {
    for (const at::Tensor& t : layouts(type)) EXPECT_EQ(difference(name, {t}), "");
  }
}

INSTANTIATE_TEST_SUITE_P(Own, PlainUnaryTest,
                         testing::Values("relu", "abs", "isnan", "logical_not", "hardswish", "celu",
                                         "nan_to_num", "clone", "hardtanh", "gelu", "elu",
                                         "leaky_relu", "softplus", "softshrink", "hardshrink",
                                         "isneginf", "signbit", "log_sigmoid_forward"));

class BinaryTest : public testing::TestWithParam<const char*> {};

TEST_P(BinaryTest, PromotesTypes) {
  const std::string name = std::string("aten::") + GetParam() + ".Tensor";
  for (const auto a : kTypes) {
    for (const auto b : kTypes) {
      EXPECT_EQ(difference(name, {plain({2, 3}, a), plain({2, 3}, b)}), "");
      EXPECT_EQ(difference(name, {plain({2, 3}, a), plain({}, b)}), "");
    }
    EXPECT_EQ(difference(name, {plain({2, 3}, a), number(1.5)}), "");
  }
}

TEST_P(BinaryTest, KeepsTheOrderOfDimensions) {
  const std::string name = std::string("aten::") + GetParam() + ".Tensor";
  for (const at::Tensor& a : layouts(kFloat)) {
    for (const at::Tensor& b : layouts(kFloat)) EXPECT_EQ(difference(name, {a, b}), "");
    EXPECT_EQ(difference(name, {a, plain({5})}), "");
    EXPECT_EQ(difference(name, {plain({4, 1}), a}), "");
  }
}

TEST_P(BinaryTest, InPlaceDoesNotGrow) {
  const std::string name = std::string("aten::") + GetParam() + "_.Tensor";
  EXPECT_EQ(difference(name, {plain({2, 3}), plain({3})}), "");
  EXPECT_EQ(difference(name, {plain({3}), plain({2, 3})}), "");
  EXPECT_EQ(difference(name, {plain({3}), plain({4})}), "");
  EXPECT_EQ(difference(name, {plain({2, 3}, kLong), plain({2, 3})}), "");
  EXPECT_EQ(difference(name, {transposed({2, 3}), number(2.5)}), "");
}

INSTANTIATE_TEST_SUITE_P(Structured, BinaryTest,
                         testing::Values("add", "sub", "mul", "div", "remainder", "fmod", "eq",
                                         "ne", "lt", "le", "gt", "ge", "bitwise_and", "bitwise_or",
                                         "bitwise_xor"));

class PairTest : public testing::TestWithParam<const char*> {};

TEST_P(PairTest, InfersWhatTheKernelReturns) {
  const std::string name = std::string("aten::") + GetParam();
  for (const at::Tensor& a : layouts(kFloat)) {
    for (const at::Tensor& b : layouts(kFloat)) EXPECT_EQ(difference(name, {a, b}), "");
  }
  for (const auto type : kTypes) {
    EXPECT_EQ(difference(name, {plain({2, 3}), plain({3}, type)}), "");
    EXPECT_EQ(difference(name, {plain({2, 3}, type), plain({2, 3})}), "");
  }
}

INSTANTIATE_TEST_SUITE_P(Own, PairTest,
                         testing::Values("maximum", "minimum", "pow.Tensor_Tensor", "atan2", "fmax",
                                         "logaddexp", "logical_and", "logical_or", "logical_xor",
                                         "floor_divide", "rsub.Tensor", "xlogy.Tensor", "hypot",
                                         "copysign.Tensor", "hardswish_backward"));

class ScalarTest : public testing::TestWithParam<const char*> {};

TEST_P(ScalarTest, NumbersYieldToTheTensorsType) {
  const std::string name = std::string("aten::") + GetParam();
  for (const auto type : kTypes) {
    for (const at::Tensor& t : layouts(type)) {
      EXPECT_EQ(difference(name, {t, 2}), "");
      EXPECT_EQ(difference(name, {t, 1.5}), "");
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Own, ScalarTest,
                         testing::Values("add.Scalar", "sub.Scalar", "rsub.Scalar", "mul.Scalar",
                                         "div.Scalar", "remainder.Scalar", "fmod.Scalar",
                                         "floor_divide.Scalar", "pow.Tensor_Scalar", "eq.Scalar",
                                         "lt.Scalar", "ge.Scalar", "clamp_min", "clamp_max",
                                         "bitwise_and.Scalar", "bitwise_or.Scalar",
                                         "bitwise_xor.Scalar"));

class ScalarInPlaceTest : public testing::TestWithParam<const char*> {};

TEST_P(ScalarInPlaceTest, RefusesATypeThatDoesNotFit) {
  const std::string name = std::string("aten::") + GetParam();
  for (const auto type : kTypes) {
    for (const at::Tensor& t : writable(type)) {
      EXPECT_EQ(difference(name, {t, 2}), "");
      EXPECT_EQ(difference(name, {t, 1.5}), "");
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Own, ScalarInPlaceTest,
                         testing::Values("add_.Scalar", "sub_.Scalar", "mul_.Scalar", "div_.Scalar",
                                         "remainder_.Scalar", "pow_.Scalar", "clamp_min_",
                                         "clamp_max_", "eq_.Scalar", "fill_.Scalar"));

TEST(TernaryTest, InfersWhatTheKernelReturns) {
  for (const at::Tensor& a : layouts(kFloat)) {
    for (const at::Tensor& b : {plain({5}), plain({2, 3, 4, 5}), transposed({2, 3, 4, 5})}) {
      EXPECT_EQ(difference("aten::where.self", {plain({5}, kBool), a, b}), "");
      EXPECT_EQ(difference("aten::where.self", {a > 0.5, b, number(0)}), "");
      EXPECT_EQ(difference("aten::addcmul", {a, b, b}), "");
      EXPECT_EQ(difference("aten::addcdiv", {a, a, b, 0.5}), "");
      EXPECT_EQ(difference("aten::lerp.Scalar", {a, b, 0.5}), "");
      EXPECT_EQ(difference("aten::lerp.Tensor", {a, b, a}), "");
      EXPECT_EQ(difference("aten::clamp.Tensor", {a, b, b}), "");
    }
    EXPECT_EQ(difference("aten::clamp", {a, 0.1, 2}), "");
  }
  EXPECT_EQ(difference("aten::where.self", {plain({2}, kBool), plain({2}, kLong), plain({2})}), "");
  EXPECT_EQ(difference("aten::where.self", {plain({2}), plain({2}), plain({2})}), "");
  EXPECT_EQ(difference("aten::where.self", {plain({2}, kBool), plain({3}), plain({2})}), "");
  for (const char* name : {"aten::addcmul_", "aten::addcdiv_"}) {
    EXPECT_EQ(difference(name, {plain({2, 3}), plain({3}), plain({3})}), "");
    EXPECT_EQ(difference(name, {plain({3}), plain({2, 3}), plain({3})}), "");
  }
  EXPECT_EQ(difference("aten::lerp_.Scalar", {plain({2, 3}), plain({2, 3}), 0.5}), "");
  EXPECT_EQ(difference("aten::lerp_.Scalar", {plain({2, 3}), plain({2, 4}), 0.5}), "");
  EXPECT_EQ(difference("aten::div.Tensor_mode", {plain({2}), plain({2}), "floor"}), "");
  EXPECT_EQ(difference("aten::div.Scalar_mode", {plain({2}, kLong), 2, "trunc"}), "");
}

TEST(MaskedFillTest, InfersWhatTheKernelReturns) {
  for (const at::Tensor& a : layouts(kFloat)) {
    EXPECT_EQ(difference("aten::masked_fill.Scalar", {a, plain({5}, kBool), 1.0}), "");
    EXPECT_EQ(difference("aten::masked_fill.Tensor", {a, a > 0.5, plain({})}), "");
  }
  EXPECT_EQ(difference("aten::masked_fill.Scalar", {plain({5}), plain({2, 5}, kBool), 1.0}), "");
  EXPECT_EQ(difference("aten::masked_fill_.Scalar", {plain({2, 5}), plain({5}, kBool), 1.0}), "");
  EXPECT_EQ(difference("aten::masked_fill_.Scalar", {plain({5}), plain({2, 5}, kBool), 1.0}), "");
  EXPECT_EQ(difference("aten::masked_fill_.Scalar", {plain({5}), plain({4}, kBool), 1.0}), "");
  EXPECT_EQ(difference("aten::masked_fill_.Scalar", {plain({5}), plain({5}), 1.0}), "");
  EXPECT_EQ(difference("aten::masked_fill_.Tensor", {plain({5}), plain({5}, kBool), plain({2})}),
            "");
}

}  // namespace
}  // namespace moai::front::shape
