#include "moai/ops/sharding/rule.h"

#include <gtest/gtest.h>

#include <bit>
#include <fstream>
#include <set>

#include "moai/ops/list_call.h"
#include "moai/ops/sharding/rule_text.h"

namespace moai::ops {
namespace {

std::string rule(const std::string& text, const std::vector<uint64_t>& words = {}) {
  const auto s = call_signature_from_string(text);
  EXPECT_TRUE(s) << text;
  if (!s) return "malformed";
  const auto made = sharding_rule(*s, words);
  return made ? to_string(*made) : "none";
}

uint64_t word(double value) { return std::bit_cast<uint64_t>(value); }

TEST(ShardingRule, OfAProduct) {
  EXPECT_EQ(rule("aten::mm(f32[2,3], f32[3,4]) -> f32[2,4]"),
            "a b, b c -> a c; a=2 b=3+ c=4; partial 0:b; linear +0 +1");
  EXPECT_EQ(rule("aten::mm.out(f32[2,3], f32[3,4], f32[2,4]!) -> _"),
            "a b, b c, a c -> a c; a=2 b=3+ c=4; partial 0:b; linear +0 +1");
  EXPECT_EQ(rule("aten::mm(f32[2,1], f32[1,4]) -> f32[2,4]"),
            "a 1, 1 b -> a b; a=2 b=4; linear +0 +1");
}

TEST(ShardingRule, WhatIsAddedToAProductIsAddedOnce) {
  EXPECT_EQ(rule("aten::addmm(f32[4], f32[2,3], f32[3,4], intword, intword) -> f32[2,4]"),
            "a, b c, c a -> b a; a=4 b=2 c=3!; linear +0,1 +0,2");
}

TEST(ShardingRule, FormsOfAnOperatorHaveItsRule) {
  const std::string added = "; a=2 b=3; linear +0,1";
  EXPECT_EQ(rule("aten::add.Tensor(f32[2,3], f32[3], word) -> f32[2,3]"), "a b, b -> a b" + added);
  EXPECT_EQ(rule("aten::add_.Tensor(f32[2,3]!, f32[3], word) -> _"), "a b, b -> a b" + added);
  EXPECT_EQ(rule("aten::add.out(f32[2,3], f32[3], word, f32[2,3]!) -> _"),
            "a b, b, a b -> a b" + added);
  EXPECT_EQ(rule("aten::_foreach_add_.List((f32[2,3]!), (f32[3]), word)"), "a b, b -> a b" + added);
  EXPECT_EQ(rule("aten::_foreach_add.List((f32[2,3]), (f32[3]), word) -> (f32[2,3])"),
            "a b, b -> a b" + added);
}

TEST(ShardingRule, OperatorsOverLongerListsHaveNone) {
  EXPECT_EQ(rule("aten::_foreach_add_.List((f32[3]!, f32[3]!), (f32[3], f32[3]), word)"), "none");
}

TEST(ShardingRule, ScalarsAreNotLinear) {
  EXPECT_EQ(rule("aten::add.Tensor(f32[2], host f64[]w, intword) -> f32[2]"), "a -> a; a=2");
  EXPECT_EQ(rule("aten::mul.Tensor(f32[2], host f64[]w) -> f32[2]"), "a -> a; a=2; linear +0");
}

TEST(ShardingRule, NormsRestOnTheirOrder) {
  const char* text = "aten::linalg_vector_norm(f32[4,3], word, none, false, none) -> f32[]";
  EXPECT_EQ(rule(text), "a b -> .; a=4! b=3!");
  EXPECT_EQ(rule(text, {word(2)}), "a b -> .; a=4# b=3#; partial 0:a b; linear #0; word 0");
  EXPECT_EQ(rule(text, {word(3)}), "a b -> .; a=4! b=3!; word 0");
  EXPECT_EQ(rule("aten::_foreach_norm.Scalar((f32[4]), word, none) -> (f32[])", {word(2)}),
            "a -> .; a=4#; partial 0:a; linear #0; word 0");
}

TEST(ShardingRule, FilledPlacesPassAPartialOfZeros) {
  const char* text = "aten::masked_fill.Scalar(f32[4], bool[4], word) -> f32[4]";
  EXPECT_EQ(rule(text, {word(0)}), "a, a -> a; a=4; linear +0 #0 >0 <0; word 0");
  EXPECT_EQ(rule(text, {word(1)}), "a, a -> a; a=4; linear >0 <0; word 0");
  EXPECT_EQ(rule(text), "a, a -> a; a=4; linear >0 <0");
}

TEST(ShardingRule, PartsOfACatAreMultiplesOfTheirCommonPart) {
  EXPECT_EQ(rule("aten::cat((f32[4,2], f32[4,6]), 1) -> f32[4,8]"),
            "a b, a (c b) -> a (d b); a=4 b=2 c=3! d=4!; "
            "linear +0,1 >0,1 <0,1 *0,1 #0,1");
}

TEST(ShardingRule, GroupsAreSolvedFromArguments) {
  EXPECT_EQ(rule("aten::convolution(f32[2,4,5], f32[6,2,3], f32[6], [1], [0], [1], false, [0], 2)"
                 " -> f32[2,6,3]"),
            "a (b c) d, (b e) c f, (b e) -> a (b e) g; a=2 b=2 c=2! d=5! e=3 f=3! g=3!; "
            "linear +0,2 +1,2; size 8=b");
}

TEST(ShardingRule, GradientsOfAConvolutionArePartialEachByItself) {
  EXPECT_EQ(rule("aten::convolution_backward(f32[2,6,3], f32[2,4,5], f32[6,4,3], [6], [1], [0], "
                 "[1], false, [0], 1, bools[true,true,true]) -> f32[2,4,5], f32[6,4,3], f32[6]"),
            "a b c, a d e, b d f -> a d e, b d f, b; a=2+ b=6+ c=3! d=4 e=5! f=3!; "
            "partial 0:b 1:a 2:a; linear +0; size 3.0=b");
  EXPECT_EQ(
      rule("aten::convolution_backward(f32[2,6,3], f32[2,4,5], f32[6,4,3], none, [1], [0], "
           "[1], false, [0], 1, bools[false,true,false]) -> undefined, f32[6,4,3], undefined"),
      "a b c, a d e, b d f -> b d f; a=2+ b=6+ c=3! d=4 e=5! f=3!; partial 0:a; linear +0");
}

TEST(ShardingRule, TablesAreIndexed) {
  EXPECT_EQ(rule("aten::embedding(f32[9,4], i64[2,3], -1, false, false) -> f32[2,3,4]"),
            "a b, c d -> c d b; a=9@ b=4 c=2 d=3; partial 0:a; linear +0 >0 <0 *0 #0");
  EXPECT_EQ(rule("aten::embedding_dense_backward(f32[2,3,4], i64[2,3], 9, -1, false) -> f32[9,4]"),
            "a b c, a b -> d c; a=2+ b=3+ c=4 d=9@; partial 0:a b; linear +0; size 2=d");
  EXPECT_EQ(rule("aten::index_put_(f32[5,3]!, (i64[4]), f32[3], true) -> _"),
            "a b, c, b -> a b; a=5@ b=3 c=4!; linear +0,2");
}

TEST(ShardingRule, WhatAJointCountIsTakenOfIsShared) {
  EXPECT_EQ(rule("aten::_amp_foreach_non_finite_check_and_unscale_((f32[3,2]!), f32[]!, f32[])"),
            "a b, ., . -> a b, .; a=3> b=2>; partial 1:a b; into >1");
}

TEST(ShardingRule, FactoriesStateTheirSizes) {
  EXPECT_EQ(rule("aten::full([2,1,3], word, 6, none, device, false) -> f32[2,1,3]"),
            " -> a 1 b; a=2 b=3; size 0.0=a 0.2=b");
}

// Every rank runs these whole.
const std::set<std::string> kWithoutRule = {
    "aten::_embedding_bag",
    "aten::_embedding_bag_dense_backward",
    "aten::_trilinear",
    "aten::block_diag",
    "aten::diag_embed",
    "aten::diagonal_backward",
    "aten::diagonal_copy",
    "aten::dist",
    "aten::histc",
    "aten::linalg_solve_triangular",
    "aten::masked_scatter",
    "aten::masked_scatter_",
    "aten::masked_scatter_backward",
    "aten::multi_margin_loss",
    "aten::multinomial",
    "aten::put_",
    "aten::rot90",
    "aten::trace",
};

TEST(ShardingRule, RecordedCallsHaveOne) {
  std::ifstream file(MOAI_RECORDED_CALLS);
  std::set<std::string> without;
  size_t read = 0;
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with('#')) continue;
    const auto s = call_signature_from_string(line);
    ASSERT_TRUE(s) << line;
    ++read;
    std::vector<CallSignature> calls = {*s};
    if (const auto parts = split_list_call(*s)) {
      calls.clear();
      for (const ListCallPart& part : *parts) calls.push_back(part.signature);
    }
    for (const CallSignature& call : calls) {
      if (sharding_rule(call)) continue;
      EXPECT_TRUE(kWithoutRule.contains(s->op)) << line;
      without.insert(s->op);
    }
  }
  EXPECT_GT(read, 500u);
  EXPECT_EQ(without, kWithoutRule);
}

TEST(ShardingRule, NothingForWhatDoesNotFit) {
  EXPECT_EQ(rule("aten::mm(f32[2,3], f32[4,5]) -> f32[2,5]"), "none");
  EXPECT_EQ(rule("aten::mm(f32[2,3]) -> f32[2]"), "none");
  EXPECT_EQ(rule("aten::no_such_thing(f32[2,3]) -> f32[2]"), "none");
  EXPECT_EQ(rule("aten::add.Tensor(f32[2], f32[3], word) -> f32[3]"), "none");
}

TEST(ShardingRule, EmptyDimensionsAreFrozen) {
  EXPECT_EQ(rule("aten::relu(f32[0,3]) -> f32[0,3]"), "a b -> a b; a=0! b=3");
}

}  // namespace
}  // namespace moai::ops
