#include "moai/ops/list_call.h"

#include <gtest/gtest.h>

#include <string>

namespace moai::ops {
namespace {

CallSignature parse(const std::string& text) {
  const auto s = call_signature_from_string(text);
  EXPECT_TRUE(s) << text;
  return s.value_or(CallSignature{});
}

std::string numbers(const std::vector<uint32_t>& all) {
  std::string text;
  for (const uint32_t n : all) text += " " + std::to_string(n);
  return text;
}

// A line a part: its call, the operands, words and fresh results of the whole that it takes.
std::string parts(const std::string& text) {
  const auto split = split_list_call(parse(text));
  if (!split) return "none";
  std::string all;
  for (const ListCallPart& part : *split) {
    all += to_string(part.signature) + " |" + numbers(part.operands) + " |" + numbers(part.words) +
           " |" + numbers(part.fresh) + "\n";
  }
  return all;
}

std::string places(const std::vector<std::vector<JoinedCall::Place>>& all) {
  std::string text;
  for (const auto& of_one : all) {
    text += ' ';
    for (const auto& place : of_one) {
      text += (text.back() == ' ' ? "" : "=") + std::to_string(place.part) + "." +
              std::to_string(place.index);
    }
  }
  return text;
}

std::string joined(const std::vector<std::string>& texts) {
  std::vector<CallSignature> all;
  for (const std::string& text : texts) all.push_back(parse(text));
  const auto whole = join_list_calls(all);
  if (!whole) return "none";
  std::vector<std::vector<JoinedCall::Place>> fresh;
  for (const auto& place : whole->fresh) fresh.push_back({place});
  return to_string(whole->signature) + " |" + places(whole->operands) + " |" +
         places(whole->words) + " |" + places(fresh);
}

TEST(ListCall, AScalarIsOfAllParts) {
  EXPECT_EQ(parts("aten::_foreach_add_.List((f32[3]!, f32[2]!), (f32[3], f32[2]), word)"),
            "aten::_foreach_add_.List((f32[3]!), (f32[3]), word) | 0 2 | 0 |\n"
            "aten::_foreach_add_.List((f32[2]!), (f32[2]), word) | 1 3 | 0 |\n");
}

TEST(ListCall, ScalarsOfAListAreDealtOut) {
  EXPECT_EQ(parts("aten::_foreach_addcdiv.ScalarList((f32[3], f32[2]), (f32[3], f32[2]), "
                  "(f32[3], f32[2]), (word, intword)) -> (f32[3], f32[2])"),
            "aten::_foreach_addcdiv.ScalarList((f32[3]), (f32[3]), (f32[3]), (word)) -> (f32[3])"
            " | 0 2 4 | 0 | 0\n"
            "aten::_foreach_addcdiv.ScalarList((f32[2]), (f32[2]), (f32[2]), (intword)) -> (f32[2])"
            " | 1 3 5 | 1 | 1\n");
}

TEST(ListCall, ATensorOfScalarsIsCutAndOneScalarIsShared) {
  EXPECT_EQ(
      parts("aten::_foreach_addcmul_.Tensor((f32[3]!, f32[2]!), (f32[3], f32[2]), "
            "(f32[3], f32[2]), f32[2]+4)"),
      "aten::_foreach_addcmul_.Tensor((f32[3]!), (f32[3]), (f32[3]), f32[1]+4) | 0 2 4 6 | |\n"
      "aten::_foreach_addcmul_.Tensor((f32[2]!), (f32[2]), (f32[2]), f32[1]+5) | 1 3 5 6 | |\n");
  EXPECT_EQ(parts("aten::_foreach_mul_.Tensor((f32[3]!, f32[2]!), f32[])"),
            "aten::_foreach_mul_.Tensor((f32[3]!), f32[]) | 0 2 | |\n"
            "aten::_foreach_mul_.Tensor((f32[2]!), f32[]) | 1 2 | |\n");
}

TEST(ListCall, WhatAllWriteStaysOne) {
  EXPECT_EQ(
      parts("aten::_amp_foreach_non_finite_check_and_unscale_((f32[3]!, f32[2]!), f32[]!, f32[])"),
      "aten::_amp_foreach_non_finite_check_and_unscale_((f32[3]!), f32[]!, f32[]) | 0 2 3 | |\n"
      "aten::_amp_foreach_non_finite_check_and_unscale_((f32[2]!), f32[]!, f32[]) | 1 2 3 | |\n");
}

TEST(ListCall, EmptyListsStayEmpty) {
  EXPECT_EQ(parts("aten::_fused_adamw_((f32[3]!, f32[2]!), (f32[3]!, f32[2]!), (f32[3]!, f32[2]!), "
                  "(f32[3]!, f32[2]!), (), (f32[], f32[]), word, word, word, word, word, false, "
                  "false, none, none)"),
            "aten::_fused_adamw_((f32[3]!), (f32[3]!), (f32[3]!), (f32[3]!), (), (f32[]), word, "
            "word, word, word, word, false, false, none, none) | 0 2 4 6 8 | 0 1 2 3 4 |\n"
            "aten::_fused_adamw_((f32[2]!), (f32[2]!), (f32[2]!), (f32[2]!), (), (f32[]), word, "
            "word, word, word, word, false, false, none, none) | 1 3 5 7 9 | 0 1 2 3 4 |\n");
}

TEST(ListCall, OtherCallsAreNotSplit) {
  EXPECT_EQ(parts("aten::cat((f32[3], f32[2]), 0) -> f32[5]"), "none");
  EXPECT_EQ(parts("aten::_foreach_add_.List((f32[3]!, f32[2]!), (f32[3]), word)"), "none");
  EXPECT_EQ(parts("aten::_foreach_add_.List((), (), word)"), "none");
}

TEST(ListCall, JoiningSaysWhereEverythingStands) {
  EXPECT_EQ(joined({"aten::_foreach_add.List((f32[3]), (f32[3]), word) -> (f32[3])",
                    "aten::_foreach_add.List((f32[1]), (f32[1]), word) -> (f32[1])"}),
            "aten::_foreach_add.List((f32[3], f32[1]), (f32[3], f32[1]), word) -> (f32[3], f32[1])"
            " | 0.0 1.0 0.1 1.1 | 0.0=1.0 | 0.0 1.0");
  EXPECT_EQ(joined({"aten::_foreach_addcdiv_.Tensor((f32[3]!), (f32[3]), (f32[3]), f32[1]+4)",
                    "aten::_foreach_addcdiv_.Tensor((f32[2]!), (f32[2]), (f32[2]), f32[1]+5)"}),
            "aten::_foreach_addcdiv_.Tensor((f32[3]!, f32[2]!), (f32[3], f32[2]), (f32[3], f32[2]),"
            " f32[2]+4) | 0.0 1.0 0.1 1.1 0.2 1.2 0.3=1.3 | |");
}

TEST(ListCall, JoiningIsTheWayBack) {
  for (const char* text :
       {"aten::_foreach_add_.List((f32[3]!, f32[2]!), (f32[3], f32[2]), word)",
        "aten::_foreach_norm.Scalar((f32[3], f32[2]), word, none) -> (f32[], f32[])",
        "aten::_foreach_pow.ScalarAndTensor(word, (f32[3], f32[2])) -> (f32[3], f32[2])",
        "aten::_foreach_div_.ScalarList((f32[3]!, f32[2]!), (word, word))",
        "aten::_amp_foreach_non_finite_check_and_unscale_((f32[3]!, f32[2]!), f32[]!, f32[])"}) {
    std::vector<CallSignature> all;
    const auto split = split_list_call(parse(text));
    ASSERT_TRUE(split) << text;
    for (const ListCallPart& part : *split) all.push_back(part.signature);
    const auto whole = join_list_calls(all);
    ASSERT_TRUE(whole) << text;
    EXPECT_EQ(to_string(whole->signature), text);
  }
}

TEST(ListCall, PartsThatDifferAreNotJoined) {
  const std::string first = "aten::_foreach_add_.Scalar((f32[3]!), word)";
  EXPECT_EQ(joined({first, "aten::_foreach_mul_.Scalar((f32[3]!), word)"}), "none");
  EXPECT_EQ(joined({first, "aten::_foreach_add_.Scalar((f32[3]!), intword)"}), "none");
  EXPECT_EQ(joined({first, "aten::_foreach_add_.Scalar((f32[3]!, f32[3]!), word)"}), "none");
  EXPECT_EQ(joined({}), "none");
}

}  // namespace
}  // namespace moai::ops
