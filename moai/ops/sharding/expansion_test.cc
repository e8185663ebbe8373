#include "moai/ops/sharding/expansion.h"

#include <gtest/gtest.h>

namespace moai::ops {
namespace {

// A line a step; last the words that the steps take and the results of the call.
std::string expanded(const std::string& text) {
  const auto s = call_signature_from_string(text);
  EXPECT_TRUE(s) << text;
  const auto made = s ? expand(*s) : std::nullopt;
  if (!made) return "none";
  std::string all = to_string(*made, *s) + "words";
  for (const Expansion::Step& step : made->steps) {
    for (const uint32_t word : step.words) all += " " + std::to_string(word);
  }
  all += "; results";
  for (const uint32_t result : made->results) all += " " + std::to_string(result);
  return all;
}

TEST(Expansion, AMeanIsASumDividedByTheCountOfTheWhole) {
  EXPECT_EQ(expanded("aten::mean.dim(f32[8,3], [0], false, none) -> f32[3]"),
            "%1 = aten::sum.dim_IntList(f32[8,3] %0, [0], false, 6) -> f32[3]\n"
            "%2 = aten::div.Scalar(f32[3] %1, 8.0) -> f32[3]\n"
            "words; results 1");
  EXPECT_EQ(expanded("aten::mean(bf16[8,3], none) -> bf16[]"),
            "%1 = aten::sum(bf16[8,3] %0, 6) -> f32[]\n"
            "%2 = aten::div.Scalar(f32[] %1, 24.0) -> f32[]\n"
            "%3 = aten::_to_copy(f32[] %2, 15, none, none, none, false, none) -> bf16[]\n"
            "words; results 2");
}

TEST(Expansion, WhatIsAddedToAProductStandsApart) {
  EXPECT_EQ(expanded("aten::addmm(f32[4], f32[2,3], f32[3,4], intword, word) -> f32[2,4]"),
            "%3 = aten::mm(f32[2,3] %1, f32[3,4] %2) -> f32[2,4]\n"
            "%4 = aten::mul.Scalar(f32[4] %0, intword) -> f32[4]\n"
            "%5 = aten::add.Tensor(f32[4] %4, f32[2,4] %3, word) -> f32[2,4]\n"
            "words 0 1; results 2");
  EXPECT_EQ(expanded("aten::convolution(f32[2,4,5], f32[6,4,3], f32[6], [1], [0], [1], false, [0], "
                     "1) -> f32[2,6,3]"),
            "%3 = aten::convolution(f32[2,4,5] %0, f32[6,4,3] %1, none, [1], [0], [1], false, [0], "
            "1) -> f32[2,6,3]\n"
            "%4 = aten::add.Tensor(f32[2,6,3] %3, f32[6,1] %2, 1) -> f32[2,6,3]\n"
            "words; results 1");
}

TEST(Expansion, ALossIsDividedByWhatTheWholeCounts) {
  EXPECT_EQ(expanded("aten::nll_loss_forward(f32[4,3], i64[4], none, 1, -100) -> f32[], f32[]"),
            "%2, %3 = aten::nll_loss_forward(f32[4,3] %0, i64[4] %1, none, 2, -100) -> f32[], "
            "f32[]\n"
            "%4 = aten::div.Tensor(f32[] %2, f32[] %3) -> f32[]\n"
            "words; results 2 1");
  EXPECT_EQ(expanded("aten::mse_loss_backward(f32[], f32[4,3], f32[4,3], 1) -> f32[4,3]"),
            "%3 = aten::div.Scalar(f32[] %0, 12.0) -> f32[]\n"
            "%4 = aten::mse_loss_backward(f32[] %3, f32[4,3] %1, f32[4,3] %2, 2) -> f32[4,3]\n"
            "words; results 1");
}

TEST(Expansion, SoftmaxIsWhatItIsMadeOf) {
  EXPECT_EQ(expanded("aten::_log_softmax(f32[4,3], 1, false) -> f32[4,3]"),
            "%1 = aten::amax(f32[4,3] %0, [1], true) -> f32[4,1]\n"
            "%2 = aten::sub.Tensor(f32[4,3] %0, f32[4,1] %1, 1) -> f32[4,3]\n"
            "%3 = aten::exp(f32[4,3] %2) -> f32[4,3]\n"
            "%4 = aten::sum.dim_IntList(f32[4,3] %3, [1], true, none) -> f32[4,1]\n"
            "%5 = aten::log(f32[4,1] %4) -> f32[4,1]\n"
            "%6 = aten::sub.Tensor(f32[4,3] %2, f32[4,1] %5, 1) -> f32[4,3]\n"
            "words; results 5");
}

TEST(Expansion, BatchNormMovesWhatIsRunning) {
  EXPECT_EQ(
      expanded("aten::native_batch_norm(f32[8,3], f32[3], none, f32[3]!, f32[3]!, true, word, "
               "word) -> f32[8,3], f32[3]?, f32[3]?"),
      "%4 = aten::sum.dim_IntList(f32[8,3] %0, [0], true, none) -> f32[1,3]\n"
      "%5 = aten::div.Scalar(f32[1,3] %4, 8.0) -> f32[1,3]\n"
      "%6 = aten::sub.Tensor(f32[8,3] %0, f32[1,3] %5, 1) -> f32[8,3]\n"
      "%7 = aten::mul.Tensor(f32[8,3] %6, f32[8,3] %6) -> f32[8,3]\n"
      "%8 = aten::sum.dim_IntList(f32[8,3] %7, [0], true, none) -> f32[1,3]\n"
      "%9 = aten::div.Scalar(f32[1,3] %8, 8.0) -> f32[1,3]\n"
      "%10 = aten::add.Scalar(f32[1,3] %9, word, 1) -> f32[1,3]\n"
      "%11 = aten::rsqrt(f32[1,3] %10) -> f32[1,3]\n"
      "%12 = aten::mul.Tensor(f32[8,3] %6, f32[1,3] %11) -> f32[8,3]\n"
      "%13 = aten::mul.Tensor(f32[8,3] %12, f32[3] %1) -> f32[8,3]\n"
      "aten::lerp_.Scalar(f32[3]! %2, f32[3] %5, word) -> _\n"
      "%14 = aten::div.Scalar(f32[1,3] %8, 7.0) -> f32[1,3]\n"
      "aten::lerp_.Scalar(f32[3]! %3, f32[3] %14, word) -> _\n"
      "words 1 0 0; results 9 1 7");
}

TEST(Expansion, WhatAPieceLooksUpACopyOfItDoes) {
  EXPECT_EQ(expanded("aten::embedding(f32[9,4], i64[2,5]{6,1}+1, -1, false, false) -> f32[2,5,4]"),
            "%2 = aten::clone(i64[2,5]{6,1}+1 %1, 0) -> i64[2,5]\n"
            "%3 = aten::embedding(f32[9,4] %0, i64[2,5] %2, -1, false, false) -> f32[2,5,4]\n"
            "words; results 1");
  EXPECT_EQ(expanded("aten::embedding(f32[9,4], i64[2,5]{5,1}, -1, false, false) -> f32[2,5,4]"),
            "none");
}

TEST(Expansion, OtherCallsStayAsTheyAre) {
  for (const char* text :
       {"aten::mm(f32[2,3], f32[3,4]) -> f32[2,4]",
        "aten::mse_loss(f32[4,3], f32[4,3], 2) -> f32[]",
        "aten::mse_loss(f32[4,3], f32[3], 1) -> f32[]",
        "aten::_softmax(f32[4,3]{1,4}, 1, false) -> f32[4,3]{1,4}",
        "aten::native_batch_norm(f32[8,3], f32[3], none, f32[3], f32[3], false, word, word) -> "
        "f32[8,3], f32[0]?, f32[0]?",
        "aten::addmm_(f32[2,4]!, f32[2,3], f32[3,4], intword, intword) -> _",
        "aten::convolution(f32[2,4,5], f32[6,4,3], none, [1], [0], [1], false, [0], 1) -> "
        "f32[2,6,3]"}) {
    EXPECT_EQ(expanded(text), "none") << text;
  }
}

}  // namespace
}  // namespace moai::ops
