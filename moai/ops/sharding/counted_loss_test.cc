#include "moai/ops/sharding/counted_loss.h"

#include <gtest/gtest.h>

namespace moai::ops {
namespace {

std::string counted(const std::string& text) {
  const auto s = call_signature_from_string(text);
  EXPECT_TRUE(s) << text;
  const auto expansion = counted_loss(*s);
  return expansion ? to_string(*expansion, *s) : "";
}

TEST(CountedLoss, TargetsAreCountedWithoutThePredictions) {
  EXPECT_EQ(counted("aten::nll_loss_forward(f32[4,3], i64[4], none, 1, -100) -> f32[], f32[]"),
            "%2 = aten::ne.Scalar(i64[4] %1, -100) -> bool[4]\n"
            "%3 = aten::sum(bool[4] %2, 6) -> f32[]\n"
            "%4, %5 = aten::nll_loss_forward(f32[4,3] %0, i64[4] %1, none, 2, -100) -> f32[], "
            "f32[]\n"
            "%6 = aten::div.Tensor(f32[] %4, f32[] %3) -> f32[]\n");
}

TEST(CountedLoss, ClassesWeighAsTheirTargetsSay) {
  const std::string steps =
      counted("aten::nll_loss_forward(f32[4,3], i64[4], f32[3], 1, 2) -> f32[], f32[]");
  EXPECT_NE(steps.find("aten::eq.Scalar(i64[4] %1, 2) -> bool[4]"), std::string::npos) << steps;
  EXPECT_NE(steps.find("aten::embedding(f32[3,1] %2"), std::string::npos) << steps;
}

TEST(CountedLoss, OnlyAMeanOverABatchIsOne) {
  for (const char* other : {
           "aten::nll_loss_forward(f32[4,3], i64[4], none, 2, -100) -> f32[], f32[]",
           "aten::nll_loss_forward(f32[3], i64[], none, 1, -100) -> f32[], f32[]",
           "aten::nll_loss_forward(bf16[4,3], i64[4], none, 1, -100) -> bf16[], bf16[]",
           "aten::mse_loss(f32[4,3], f32[4,3], 1) -> f32[]",
       }) {
    EXPECT_EQ(counted(other), "") << other;
  }
}

}  // namespace
}  // namespace moai::ops
