#include "moai/ops/share.h"

#include <gmock/gmock.h>

namespace moai::ops {
namespace {

using testing::ElementsAre;

CallSignature call(const std::string& text) {
  const auto signature = call_signature_from_string(text);
  EXPECT_TRUE(signature) << text;
  return signature.value_or(CallSignature{});
}

CallSignature drawing(const std::string& share) {
  return call("aten::uniform_(f32[2,3]!, word, word, generator, " + share + ") -> _");
}

TEST(Share, WhoDrawsIsReadFromTheCall) {
  const auto attention = call(
      "aten::_scaled_dot_product_flash_attention_for_cpu(f32[1,2,3,4], f32[1,2,3,4], f32[1,2,3,4], "
      "0.0, true, none, none) -> f32[1,2,3,4], f32[1,2,3]");
  EXPECT_FALSE(draws(attention));
  EXPECT_FALSE(draws_by_element(attention));
  EXPECT_TRUE(
      draws_by_element(call("aten::rand([4], 6, none, device, none, generator) -> f32[4]")));
  for (const char* whole : {"aten::randperm(5, 4, none, device, false, generator) -> i64[5]",
                            "aten::multinomial(f32[3,9], 2, false, generator) -> i64[3,2]"}) {
    EXPECT_TRUE(draws(call(whole)));
    EXPECT_FALSE(draws_by_element(call(whole))) << whole;
  }
}

TEST(Share, NeighboursThatAreWholeBecomeOneDigit) {
  const ShareDigit digits[] = {{2, 0, 2}, {3, 0, 3}, {5, 1, 2}, {4, 0, 4}, {7, 0, 7}};
  CallSignature s = call("aten::uniform_(f32[6,2,28]!, word, word, generator) -> _");
  s.args.push_back(of_share(digits));
  EXPECT_EQ(to_string(s),
            "aten::uniform_(f32[6,2,28]!, word, word, generator, (\"share\", [6,5,28], [0,1,0], "
            "[6,2,28])) -> _");
  const auto back = share_of(s);
  ASSERT_TRUE(back);
  EXPECT_THAT(*back, ElementsAre(ShareDigit{6, 0, 6}, ShareDigit{5, 1, 2}, ShareDigit{28, 0, 28}));
}

// Places in the whole of the elements of a part, in its order.
std::vector<int64_t> places(const std::vector<ShareDigit>& digits) {
  std::vector<int64_t> found{0};
  for (const ShareDigit& d : digits) {
    std::vector<int64_t> next;
    for (const int64_t at : found) {
      for (int64_t i = 0; i < d.size; ++i) next.push_back(at * d.whole + d.begin + i);
    }
    found = std::move(next);
  }
  return found;
}

TEST(Share, APartOfAPartHasTheElementsOfBoth) {
  const std::vector<ShareDigit> rows{{8, 4, 2}, {12, 0, 12}};
  const std::vector<std::vector<ShareDigit>> inner{
      {{2, 1, 1}, {12, 0, 12}}, {{2, 0, 2}, {4, 1, 2}, {3, 0, 3}},
      {{2, 0, 2}, {12, 5, 4}},  {{24, 0, 24}},
      {{24, 12, 12}},           {{2, 1, 1}, {2, 1, 1}, {6, 2, 3}},
  };
  for (const auto& i : inner) {
    const auto part = part_of_part(rows, i);
    ASSERT_TRUE(part);
    std::vector<int64_t> wanted;
    const std::vector<int64_t> outer = places(rows);
    for (const int64_t at : places(i)) wanted.push_back(outer[static_cast<size_t>(at)]);
    EXPECT_EQ(places(*part), wanted);
  }
  const auto one = part_of_part({{10, 0, 10}, {7, 6, 1}}, {{10, 5, 3}});
  ASSERT_TRUE(one);
  EXPECT_EQ(places(*one), (std::vector<int64_t>{41, 48, 55}));
  // Two rows of which the part has the second half of each pair of rows.
  const std::vector<ShareDigit> uneven{{9, 3, 4}};
  const auto runs = part_of_part(uneven, {{2, 1, 1}, {2, 0, 2}});
  ASSERT_TRUE(runs);
  EXPECT_EQ(places(*runs), (std::vector<int64_t>{5, 6}));
  EXPECT_FALSE(part_of_part(uneven, {{2, 0, 2}, {2, 1, 1}}));
  EXPECT_FALSE(part_of_part(rows, {{24, 1, 5}}));
}

TEST(Share, OnlyTheLastArgumentIsOne) {
  EXPECT_NE(share_argument(drawing("(\"share\", [6], [0], [6])")), nullptr);
  EXPECT_EQ(share_argument(drawing("(\"part\", [6], [0], [6])")), nullptr);
  EXPECT_EQ(share_argument(drawing("([6], [0], [6])")), nullptr);
  EXPECT_EQ(share_argument(drawing("()")), nullptr);
  EXPECT_EQ(share_argument(call("aten::op() -> _")), nullptr);
}

TEST(Share, OnlyAPartOfWhatIsDrawnIsTaken) {
  EXPECT_TRUE(share_of(drawing("(\"share\", [8,3], [6,0], [2,3])")));
  for (const char* share : {
           "(\"share\", [8,3], [6,0], [2,2])",
           "(\"share\", [8,3], [7,0], [2,3])",
           "(\"share\", [8,3], [-1,0], [2,3])",
           "(\"share\", [8,3], [0], [2,3])",
           "(\"share\", [8,3], [0,0])",
           "(\"share\", [0,3], [0,0], [0,3])",
           "(\"share\", [6,6], [0,0], [-2,-3])",
           "(\"share\", 6, [0], [6])",
           "(\"share\", [4611686018427387904,9], [0,0], [2,3])",
           "(\"share\", [9], [9223372036854775807], [6])",
       }) {
    EXPECT_FALSE(share_of(drawing(share))) << share;
  }
  for (const char* s : {
           "aten::randperm(5, 4, none, device, false, generator, (\"share\", [9], [0], [5])) -> "
           "i64[5]",
           "aten::add.Tensor(f32[6], f32[6], 1, (\"share\", [9], [0], [6])) -> f32[6]",
       }) {
    EXPECT_FALSE(share_of(call(s))) << s;
  }
}

}  // namespace
}  // namespace moai::ops
