// Operators over lists of tensors.
#include <gtest/gtest.h>

#include "moai/front/shape/conformance/calls.h"

namespace moai::front::shape {
namespace {

using at::Scalar;
using Tensors = std::vector<at::Tensor>;

Tensors mixed() {
  return {plain({2, 3}), transposed({2, 3}), sliced({4, 2}),
          plain({}),     plain({0}),         plain({3}, at::kDouble)};
}

c10::IValue numbers(size_t count) {
  c10::impl::GenericList list(c10::NumberType::get());
  for (size_t i = 0; i < count; ++i) list.push_back(1.5);
  return list;
}

TEST(ForeachTest, NewListsAreMadeItemByItem) {
  for (const char* name : {"sqrt", "neg", "exp", "abs", "reciprocal", "rsqrt", "tanh", "log"}) {
    EXPECT_EQ(difference(std::string("aten::_foreach_") + name, {mixed()}), "");
    EXPECT_EQ(difference(std::string("aten::_foreach_") + name, {Tensors{}}), "");
  }
  for (const char* name : {"add", "sub", "mul", "div", "pow"}) {
    const std::string op = std::string("aten::_foreach_") + name;
    EXPECT_EQ(difference(op + ".List", {mixed(), mixed()}), "");
    EXPECT_EQ(difference(op + ".List", {mixed(), Tensors{plain({2})}}), "");
    EXPECT_EQ(difference(op + ".Scalar", {mixed(), 2}), "");
    EXPECT_EQ(difference(op + ".Scalar", {Tensors{plain({2}, at::kLong)}, 1.5}), "");
    EXPECT_EQ(difference(op + ".ScalarList", {mixed(), numbers(6)}), "");
    EXPECT_EQ(difference(op + ".ScalarList", {mixed(), numbers(2)}), "");
  }
  EXPECT_EQ(difference("aten::_foreach_mul.Tensor", {mixed(), plain({})}), "");
  EXPECT_EQ(difference("aten::_foreach_maximum.List", {mixed(), mixed()}), "");
  EXPECT_EQ(difference("aten::_foreach_clamp_min.List", {mixed(), mixed()}), "");
  EXPECT_EQ(difference("aten::_foreach_addcmul.Scalar", {mixed(), mixed(), mixed(), 0.5}), "");
  EXPECT_EQ(
      difference("aten::_foreach_addcdiv.ScalarList", {mixed(), mixed(), mixed(), numbers(6)}), "");
  EXPECT_EQ(difference("aten::_foreach_lerp.Scalar", {mixed(), mixed(), 0.5}), "");
  EXPECT_EQ(difference("aten::_foreach_lerp.List", {mixed(), mixed(), mixed()}), "");
  EXPECT_EQ(difference("aten::_foreach_norm.Scalar", {mixed(), 2}), "");
  EXPECT_EQ(difference("aten::_foreach_norm.Scalar", {mixed(), 2, at::kDouble}), "");
}

TEST(ForeachTest, WrittenListsRaiseTorchsText) {
  const Tensors two = {plain({2, 3}), plain({3})};
  for (const char* name : {"add_", "sub_", "mul_", "div_"}) {
    const std::string op = std::string("aten::_foreach_") + name;
    EXPECT_EQ(difference(op + ".List", {two, two}), "");
    EXPECT_EQ(difference(op + ".List", {two, Tensors{plain({2, 3})}}), "");
    EXPECT_EQ(difference(op + ".List", {two, Tensors{plain({3}), plain({2, 3})}}), "");
    EXPECT_EQ(difference(op + ".List", {two, Tensors{plain({3}), plain({4})}}), "");
    EXPECT_EQ(difference(op + ".Scalar", {two, 2}), "");
    EXPECT_EQ(difference(op + ".ScalarList", {two, numbers(2)}), "");
    EXPECT_EQ(difference(op + ".ScalarList", {two, numbers(3)}), "");
    EXPECT_EQ(difference(op + ".Scalar", {Tensors{}, 2}), "");
  }
  EXPECT_EQ(difference("aten::_foreach_mul_.Tensor", {two, plain({})}), "");
  EXPECT_EQ(difference("aten::_foreach_addcmul_.Scalar", {two, two, two, 0.5}), "");
  EXPECT_EQ(difference("aten::_foreach_addcdiv_.ScalarList", {two, two, two, numbers(2)}), "");
  EXPECT_EQ(difference("aten::_foreach_lerp_.Scalar", {two, two, 0.5}), "");
  EXPECT_EQ(difference("aten::_foreach_sqrt_", {two}), "");
  EXPECT_EQ(difference("aten::_foreach_zero_", {two}), "");
}

}  // namespace
}  // namespace moai::front::shape
