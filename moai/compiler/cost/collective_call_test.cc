#include "moai/compiler/cost/collective_call.h"

#include <gtest/gtest.h>

namespace moai::compiler::cost {
namespace {

using cluster::Collective;

std::optional<CollectiveCall> read(const std::string& text) {
  const auto signature = ops::call_signature_from_string(text);
  EXPECT_TRUE(signature) << text;
  return signature ? collective_call(*signature) : std::nullopt;
}

TEST(CollectiveCall, ASumCountsAllThatIsReduced) {
  EXPECT_EQ(read("moai::all_reduce((f32[8]!, f32[4]!), \"sum\", 1) -> _"),
            (CollectiveCall{Collective::kAllReduce, 1, 48, 48}));
}

TEST(CollectiveCall, TheOthersCountTheWholeTensorAndWhatTheRankGets) {
  EXPECT_EQ(read("moai::all_gather(f32[2,4,8], 1, [4,3], 0) -> f32[2,7,8]"),
            (CollectiveCall{Collective::kAllGather, 0, 448, 448}));
  EXPECT_EQ(read("moai::reduce_scatter(f32[2,7,8], 1, [4,3], \"sum\", 0) -> f32[2,4,8]"),
            (CollectiveCall{Collective::kReduceScatter, 0, 448, 256}));
  EXPECT_EQ(read("moai::all_to_all(f32[1,4,2,7,8], 1, [4,3], 3, [4,3], 2) -> f32[1,7,2,4,8]"),
            (CollectiveCall{Collective::kAllToAll, 2, 1792, 1792}));
}

TEST(CollectiveCall, ABundleCountsWhatItsItemsDo) {
  EXPECT_EQ(read("moai::all_gather((f32[2,4,8], i64[1,1,1]), 1, ([4,3], [1,2]), 0) -> f32[2,7,8], "
                 "i64[1,3,1]"),
            (CollectiveCall{Collective::kAllGather, 0, 472, 472}));
  EXPECT_EQ(read("moai::reduce_scatter((f32[2,7,8], f32[1,2,1]), 1, ([4,3], [1,1]), \"sum\", 0) -> "
                 "f32[2,4,8], f32[1,1,1]"),
            (CollectiveCall{Collective::kReduceScatter, 0, 456, 260}));
  EXPECT_EQ(read("moai::send((f32[8], i64[1]), 1, 0) -> _"),
            (CollectiveCall{Collective::kSend, 0, 40, 0}));
  EXPECT_EQ(read("moai::receive(0, 0) -> f32[8], i64[1]"),
            (CollectiveCall{Collective::kSend, 0, 40, 40}));
}

TEST(CollectiveCall, OtherCallsAreNone) {
  EXPECT_FALSE(read("aten::relu(f32[2]) -> f32[2]"));
  EXPECT_FALSE(read("moai::skip_end() -> _"));
}

}  // namespace
}  // namespace moai::compiler::cost
