#include "moai/compiler/planner/stage_cut.h"

#include <gtest/gtest.h>

namespace moai::compiler {
namespace {

using Parts = std::vector<uint32_t>;

TEST(StageCut, PartsCostAlike) {
  const std::vector<double> seconds{1, 1, 1, 3, 3, 3}, nothing(6, 0);
  EXPECT_EQ(best_cut(seconds, nothing, 2), (Parts{0, 0, 0, 0, 1, 1}));
  EXPECT_EQ(cut_price(seconds, nothing, best_cut(seconds, nothing, 3), 3).slowest, 6);
}

TEST(StageCut, OfAlikeCutsThatWhichLessCrosses) {
  const std::vector<double> seconds(8, 100);
  std::vector<double> crossing{0, 5, 5, 5, 9, 1, 5, 5};
  EXPECT_EQ(best_cut(seconds, crossing, 2), (Parts{0, 0, 0, 0, 1, 1, 1, 1}))
      << "a whole place more is no alike cut";
  crossing[4] = 400;
  EXPECT_EQ(best_cut(seconds, crossing, 2), (Parts{0, 0, 0, 0, 0, 1, 1, 1}));
}

TEST(StageCut, NoPartIsEmptyWherePlacesAreEnough) {
  const std::vector<double> seconds{1, 100}, crossing{0, 1000};
  EXPECT_EQ(best_cut(seconds, crossing, 2), (Parts{0, 1}));
  EXPECT_EQ(best_cut(seconds, crossing, 4), (Parts{0, 1}));
}

TEST(StageCut, PriceOfACut) {
  const std::vector<double> seconds{2, 3, 4}, crossing{0, 1, 5};
  const Parts parts{0, 0, 1};
  const CutPrice price = cut_price(seconds, crossing, parts, 2);
  EXPECT_EQ(price.slowest, 10);
  EXPECT_EQ(price.crossing, 5);
}

}  // namespace
}  // namespace moai::compiler
