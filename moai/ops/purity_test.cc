#include "moai/ops/purity.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <string>

#include "moai/ops/facts.h"

namespace moai::ops {
namespace {

std::string in_place(const std::string& text) {
  const auto signature = call_signature_from_string(text);
  EXPECT_TRUE(signature) << text;
  const auto form = in_place_form(signature.value_or(CallSignature{}));
  return form ? to_string(form->signature) + (form->repeats_operand ? " again" : "") : "-";
}

// The kinds of its words, "-" where it is not total.
std::string total(const std::string& text) {
  const auto signature = call_signature_from_string(text);
  EXPECT_TRUE(signature) << text;
  const auto words = if_total(signature.value_or(CallSignature{}));
  if (!words) return "-";
  std::string kinds;
  for (const bool is_integer : *words) kinds += is_integer ? "i" : "d";
  return kinds;
}

TEST(Purity, CallsThatCannotFailForValues) {
  EXPECT_EQ(total("aten::mul.Tensor(f32[2], f32[2]) -> f32[2]"), "");
  EXPECT_EQ(total("aten::add.Tensor(f32[2], f32[2], intword) -> f32[2]"), "i");
  EXPECT_EQ(total("aten::clamp(f32[2], word, word) -> f32[2]"), "dd");
  EXPECT_EQ(total("aten::div.Tensor(f32[2], f32[2]) -> f32[2]"), "");
  EXPECT_EQ(total("aten::div.Tensor_mode(i64[2], i64[2], \"floor\") -> i64[2]"), "-")
      << "by an integer zero";
  EXPECT_EQ(total("aten::index_select(f32[2], 0, i64[2]) -> f32[2]"), "-");
  EXPECT_EQ(total("aten::add.out(f32[2], f32[2], word, f32[2]!) -> _"), "-");
  EXPECT_EQ(total("aten::rand() -> f32[2]"), "-");
}

TEST(Purity, ScalarsThatFitEveryType) {
  EXPECT_TRUE(is_harmless(1, true));
  EXPECT_FALSE(is_harmless(300, true)) << "no uint8";
  EXPECT_FALSE(is_harmless(static_cast<uint64_t>(-1), true));
  EXPECT_TRUE(is_harmless(std::bit_cast<uint64_t>(0.5), false));
  EXPECT_FALSE(is_harmless(std::bit_cast<uint64_t>(1e300), false)) << "no float";
  EXPECT_FALSE(is_harmless(std::bit_cast<uint64_t>(-1.0), false));
  EXPECT_FALSE(is_harmless(std::bit_cast<uint64_t>(std::nan("")), false));
}

TEST(Purity, NothingThatDrawsOrWritesUnsaidIsTotal) {
  for (const std::string_view op : all_total_operators()) {
    const OpFacts* facts = op_facts(op, "");
    if (!facts) continue;
    EXPECT_FALSE(facts->draws) << op;
    EXPECT_TRUE(facts->writes[0].empty()) << op;
    EXPECT_EQ(facts->data, DataDependence::kNone) << op;
  }
}

TEST(Purity, TheFormThatWritesItsFirstOperand) {
  EXPECT_EQ(in_place("aten::mul.Tensor(f32[2,3], f32[3]) -> f32[2,3]"),
            "aten::mul_.Tensor(f32[2,3]!, f32[3]) -> _");
  EXPECT_EQ(in_place("aten::relu(f32[2,3]{1,2}) -> f32[2,3]{1,2}"),
            "aten::relu_(f32[2,3]{1,2}!) -> _");
  EXPECT_EQ(in_place("aten::tanh_backward(f32[2], f32[2]) -> f32[2]"),
            "aten::tanh_backward.grad_input(f32[2], f32[2], f32[2]!) -> _ again");
}

TEST(Purity, OnlyWhereTheResultIsAllOfTheOperandsStorage) {
  EXPECT_EQ(in_place("aten::mul.Tensor(f32[3], f32[2,3]) -> f32[2,3]"), "-");
  EXPECT_EQ(in_place("aten::mul.Tensor(i64[3], f32[3]) -> f32[3]"), "-");
  EXPECT_EQ(in_place("aten::relu(f32[2]+4) -> f32[2]"), "-");
  EXPECT_EQ(in_place("aten::relu(f32[2]{2}) -> f32[2]{2}"), "-") << "elements between";
  EXPECT_EQ(in_place("aten::relu(f32[2]{0}) -> f32[2]{0}"), "-") << "one element for both";
  EXPECT_EQ(in_place("aten::neg(c64[2]*) -> c64[2]*"), "-");
  EXPECT_EQ(in_place("aten::mm(f32[2,2], f32[2,2]) -> f32[2,2]"), "-");
  EXPECT_EQ(in_place("aten::add.out(f32[2], f32[2], f32[2]!) -> _"), "-");
}

}  // namespace
}  // namespace moai::ops
