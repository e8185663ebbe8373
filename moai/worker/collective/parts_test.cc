#include "moai/worker/collective/parts.h"

#include <gtest/gtest.h>

#include <string>

namespace moai::worker {
namespace {

// [2, 3, 1] and [1, 3, 2], of three and two ranks' shares.
Parts two_tensors() { return Parts({{{2, 3, 1}, {2, 1}}, {{1, 3, 2}, {1, 2}}}); }

TEST(Parts, LieRankByRankWithAllTensorsInEach) {
  const Parts parts = two_tensors();
  EXPECT_EQ(std::vector<size_t>(parts.bytes().begin(), parts.bytes().end()),
            (std::vector<size_t>{4 + 2, 2 + 4}));
  EXPECT_EQ(parts.total(), 12u);
  EXPECT_EQ(parts.begin(1), 6u);
  EXPECT_EQ(parts.begin(0, 1), 4u);
  EXPECT_EQ(parts.begin(1, 1), 8u);
  EXPECT_EQ(parts.share_bytes(1, 1), 4u);
}

TEST(Parts, SharesOfTheOutermostDimensionAreRuns) {
  const Parts parts = two_tensors();
  EXPECT_FALSE(parts.in_runs(0));
  EXPECT_TRUE(parts.in_runs(1));
  EXPECT_EQ(parts.strided_bytes_max(), 6u);
}

TEST(Parts, AreCutOutAndPutTogether) {
  const Parts parts = two_tensors();
  std::string all(parts.total(), '.');
  parts.pack(0, "abcdef", all.data());
  EXPECT_EQ(all, "abde..cf....");
  parts.pack(1, "uvwxyz", all.data());
  EXPECT_EQ(all, "abdeuvcfwxyz");
  std::string first(6, '.'), second(6, '.');
  parts.unpack(0, all.data(), first.data());
  parts.unpack(1, all.data(), second.data());
  EXPECT_EQ(first, "abcdef");
  EXPECT_EQ(second, "uvwxyz");
}

TEST(Parts, ARankMayHaveNothing) {
  const Parts parts(std::vector<Parts::Tensor>{{{1, 2, 4}, {2, 0}}});
  EXPECT_EQ(parts.share_bytes(1, 0), 0u);
  EXPECT_EQ(parts.total(), 8u);
}

}  // namespace
}  // namespace moai::worker
