#include "moai/ops/sharding/indexed.h"

#include <gtest/gtest.h>

#include <string>

namespace moai::ops {
namespace {

// Of every indexed factor: its letter's place, what becomes of others, where the pointers are.
std::string forms(const std::string& text) {
  const auto s = call_signature_from_string(text);
  EXPECT_TRUE(s) << text;
  const auto rule = s ? sharding_rule(*s) : std::nullopt;
  if (!rule) return "none";
  std::string all;
  for (FactorIndex f = 0; f < rule->factors.size(); ++f) {
    const auto form = indexed_form(*s, *rule, f);
    if (!form) continue;
    constexpr const char* kNames[] = {"zeros", "dump", "ignored"};
    all += (all.empty() ? "" : "; ") + std::to_string(f) + " " +
           kNames[static_cast<int>(form->outside)] + " " + std::to_string(form->pointers);
    if (form->position) all += " position " + std::to_string(*form->position);
    if (form->from_the_end) all += " from the end";
    if (form->ignored) all += " argument " + std::to_string(*form->ignored);
  }
  return all;
}

TEST(IndexedForm, OfReadsAndWrites) {
  EXPECT_EQ(forms("aten::embedding(f32[9,4], i64[5], -1, false, false) -> f32[5,4]"), "0 zeros 1");
  EXPECT_EQ(forms("aten::embedding_dense_backward(f32[5,4], i64[5], 9, -1, false) -> f32[9,4]"),
            "2 dump 1 position 3");
  EXPECT_EQ(forms("aten::scatter_add_(f32[4,3]!, 1, i64[4,5], f32[4,5]) -> _"), "1 dump 1");
  EXPECT_EQ(forms("aten::nll_loss_forward(f32[4,3], i64[4], none, 2, -100) -> f32[], f32[]"),
            "1 ignored 1 argument 4");
}

TEST(IndexedForm, EachDimensionHasPointersOfItsOwn) {
  EXPECT_EQ(forms("aten::index.Tensor(f32[3,4,5], (i64[6], none, i64[6])) -> f32[6,4]"),
            "0 zeros 1 from the end; 2 zeros 2 from the end");
  EXPECT_EQ(forms("aten::index_put_(f32[3,4]!, (none, i64[6]), f32[], true) -> _"),
            "1 dump 1 from the end");
}

TEST(IndexedForm, OtherFactorsHaveNone) {
  EXPECT_EQ(forms("aten::mm(f32[2,3], f32[3,4]) -> f32[2,4]"), "");
}

}  // namespace
}  // namespace moai::ops
