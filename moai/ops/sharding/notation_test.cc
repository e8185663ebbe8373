#include "moai/ops/sharding/notation.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "moai/ops/sharding/rows.h"

namespace moai::ops::sharding {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

std::string error_of(const std::string& text) {
  std::string error;
  const auto made = parse_notation(text, &error);
  EXPECT_EQ(made.has_value(), error.empty());
  return error;
}

TEST(Notation, LettersAreSharedByTermsAndKeepTheirMark) {
  std::string error;
  const auto made = parse_notation("m k+, k n -> m n", &error);
  ASSERT_TRUE(made) << error;
  ASSERT_EQ(made->letters.size(), 3u);
  EXPECT_EQ(made->letters[1].name, "k");
  EXPECT_EQ(made->letters[1].kind, FactorKind::kReduced);
  EXPECT_EQ(made->letters[2].kind, FactorKind::kParallel);
  ASSERT_EQ(made->args.size(), 2u);
  EXPECT_THAT(made->args[1].dims[0].letters, ElementsAre(1));
  EXPECT_THAT(made->results[0].dims[1].letters, ElementsAre(2));
}

TEST(Notation, TermsOfEveryKind) {
  std::string error;
  const auto made =
      parse_notation("(g c) x...!, ~b 1, {., _; x...}, ?, =(g c), =[_ b x...] -> .", &error);
  EXPECT_THAT(error, HasSubstr("}"));
  const auto good =
      parse_notation("(g c) x...!, ~b 1, {.; _; x...}, ?, =(g c), =[_ b x...], _ -> .", &error);
  ASSERT_TRUE(good) << error;
  EXPECT_FALSE(made);
  EXPECT_EQ(good->args[0].dims[0].letters.size(), 2u);
  EXPECT_EQ(good->args[0].dims[1].kind, Dim::Kind::kMany);
  EXPECT_TRUE(good->args[1].may_lack_leading);
  EXPECT_EQ(good->args[1].dims[1].kind, Dim::Kind::kOne);
  EXPECT_EQ(good->args[2].items.size(), 3u);
  EXPECT_EQ(good->args[3].kind, Term::Kind::kAny);
  EXPECT_EQ(good->args[4].kind, Term::Kind::kSize);
  EXPECT_EQ(good->args[5].dims.size(), 3u);
  EXPECT_EQ(good->args[6].kind, Term::Kind::kNone);
  EXPECT_THAT(good->results[0].dims, IsEmpty());
}

TEST(Notation, MalformedTextIsRefusedWithTheReason) {
  EXPECT_THAT(error_of("m k, k n"), HasSubstr("\"->\" is missing"));
  EXPECT_THAT(error_of("m, -> m"), HasSubstr("a term is empty"));
  EXPECT_THAT(error_of("m k+, k! -> m"), HasSubstr("\"k\" has two marks"));
  EXPECT_THAT(error_of("k+ k> -> ."), HasSubstr("two marks"));
  EXPECT_THAT(error_of("() -> ."), HasSubstr("a group is empty"));
  EXPECT_THAT(error_of("(a x...) -> ."), HasSubstr("in a group"));
  EXPECT_THAT(error_of("x... y... -> ."), HasSubstr("two \"...\""));
  EXPECT_THAT(error_of("x, x... -> x"), HasSubstr("one dimension and many"));
  EXPECT_THAT(error_of("{a; b -> a"), HasSubstr("\"}\" is missing"));
  EXPECT_THAT(error_of("A -> A"), HasSubstr("a letter is missing"));
  EXPECT_THAT(error_of("a -> a -> b"), HasSubstr("unexpected"));
  EXPECT_THAT(error_of("a:2, a:3 -> a"), HasSubstr("told no size, or two"));
  EXPECT_THAT(error_of("=[a b -> a"), HasSubstr("letter is missing"));
}

TEST(Linear, GroupsOfArgumentsWithAReduction) {
  const auto made = parse_linear("0 1/>2/=3");
  ASSERT_TRUE(made);
  ASSERT_EQ(made->size(), 3u);
  EXPECT_THAT((*made)[0].args, ElementsAre(0, 1));
  EXPECT_EQ((*made)[0].reduction, Reduction::kSum);
  EXPECT_EQ((*made)[1].reduction, Reduction::kMax);
  EXPECT_TRUE((*made)[2].every_reduction);
  for (const char* text : {"/0", "0/", "0>", "a", "!0", "="})
    EXPECT_FALSE(parse_linear(text)) << text;
}

TEST(Rows, AreWellFormedAndOneForEachOperator) {
  std::set<std::string_view> seen;
  for (const Row& row : all_rows()) {
    EXPECT_EQ(row_error(row), "") << row.op;
    EXPECT_TRUE(seen.insert(row.op).second) << row.op << " has two rows";
    EXPECT_TRUE(row.op.starts_with("aten::")) << row.op;
  }
  for (const LinearRow& row : pointwise_linear_rows()) {
    EXPECT_TRUE(parse_linear(row.linear)) << row.op;
    const bool is_pointwise = std::ranges::binary_search(pointwise_operators(), row.op) ||
                              std::ranges::binary_search(also_pointwise_operators(), row.op);
    EXPECT_TRUE(is_pointwise) << row.op << " is in no table of pointwise operators";
  }
}

TEST(Rows, MalformedOnesAreFound) {
  EXPECT_NE(row_error({"aten::x", "a -> a ->"}), "");
  EXPECT_NE(row_error({"aten::x", "a -> a", "x"}), "");
  EXPECT_EQ(row_error({"aten::x", "a -> a", "0"}), "");
}

}  // namespace
}  // namespace moai::ops::sharding
