#include "moai/compiler/cost/call_shape.h"

#include <gtest/gtest.h>

#include "moai/ops/call.h"

namespace moai::compiler::cost {
namespace {

cluster::CallShape shape(std::string_view text) {
  const auto s = ops::call_signature_from_string(text);
  EXPECT_TRUE(s.has_value()) << text;
  return s ? call_shape(*s, call_work(*s)) : cluster::CallShape{};
}
double distance(std::string_view a, std::string_view b) {
  return shape_distance(shape(a), shape(b));
}

TEST(CallShape, CallsOfOneSizeAndKindAreNotApart) {
  EXPECT_EQ(distance("aten::relu(f32[4,6]) -> f32[4,6]", "aten::relu(f32[6,4]) -> f32[6,4]"), 0);
  const double twice =
      distance("aten::relu(f32[64,6]) -> f32[64,6]", "aten::relu(f32[128,6]) -> f32[128,6]");
  EXPECT_GT(twice, 0.5);
  EXPECT_LT(twice, 4);
}

TEST(CallShape, OperandsThatLieOtherwiseAreFar) {
  const char* whole = "aten::mul.Tensor(f32[8,8], f32[8,8]) -> f32[8,8]";
  for (const char* other : {"aten::mul.Tensor(f32[8,8], f32[8,8]{1,8}) -> f32[8,8]",
                            "aten::mul.Tensor(f32[8,8], f32[8,8]{16,1}) -> f32[8,8]",
                            "aten::mul.Tensor(f32[8,8], f32[8,8]{0,1}) -> f32[8,8]"}) {
    EXPECT_GE(distance(whole, other), 25) << other;
  }
}

TEST(CallShape, ScalarsOfAnotherTypeOrPlaceAreFar) {
  EXPECT_GE(distance("aten::mul.Scalar(f32[8,8], word) -> f32[8,8]",
                     "aten::mul.Scalar(f32[8,8], intword) -> f32[8,8]"),
            25);
  const char* many = "aten::mul.Tensor(f32[8,8], f32[8,8]) -> f32[8,8]";
  const char* one = "aten::mul.Tensor(f32[8,8], f32[]) -> f32[8,8]";
  const char* host = "aten::mul.Tensor(f32[8,8], host f32[]) -> f32[8,8]";
  EXPECT_GE(distance(many, one), 25);
  EXPECT_GE(distance(many, host), 25);
  EXPECT_GE(distance(one, host), 25);
}

TEST(CallShape, ReductionsOfRowsAndOfColumnsAreFar) {
  EXPECT_GE(distance("aten::sum.dim_IntList(f32[16,16], [0], false, none) -> f32[16]",
                     "aten::sum.dim_IntList(f32[16,16], [1], true, none) -> f32[16,1]"),
            25);
}

TEST(CallShape, WhatGoesRowByRowIsNearByTheirLength) {
  const char* long_rows = "aten::_log_softmax(f32[8,128], 1, false) -> f32[8,128]";
  const char* short_rows = "aten::_log_softmax(f32[256,4], 1, false) -> f32[256,4]";
  EXPECT_EQ(shape(long_rows).n, 128);
  EXPECT_GT(distance(long_rows, short_rows), 16);
  // Descriptions made before do not say it.
  cluster::CallShape older = shape(short_rows);
  older.n = 0;
  EXPECT_EQ(shape_distance(shape(long_rows), older), 0);
}

TEST(CallShape, ProductsAreWhatTheyMultiply) {
  const cluster::CallShape s = shape("aten::bmm(f32[3,4,5], f32[3,5,6]) -> f32[3,4,6]");
  EXPECT_EQ(s.batch, 3);
  EXPECT_EQ(s.m, 4);
  EXPECT_EQ(s.n, 6);
  EXPECT_EQ(s.k, 5);
}

}  // namespace
}  // namespace moai::compiler::cost
