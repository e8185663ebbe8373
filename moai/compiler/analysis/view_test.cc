#include "moai/compiler/analysis/view.h"

#include <gtest/gtest.h>

#include <set>

namespace moai::compiler {
namespace {

tensor::Geometry of(const std::string& text) { return tensor::geometry_from_string(text).value(); }

std::optional<View> view(int64_t count, const std::string& text) {
  const tensor::Geometry g = of(text);
  return view_of(count, g, g.offset);
}

// The place of each element, once by strides and once by digits.
void expect_same_places(int64_t count, const std::string& text) {
  const tensor::Geometry g = of(text);
  const auto v = view(count, text);
  ASSERT_TRUE(v) << text;
  int64_t fixed = 0;
  for (const Selected& s : v->selected) fixed += s.index * s.block.low;
  std::vector<int64_t> at(g.sizes.size(), 0);
  for (int64_t n = 0; n < tensor::element_count(g); ++n) {
    int64_t rest = n, by_stride = g.offset, by_digit = fixed;
    for (size_t d = g.sizes.size(); d-- > 0;) {
      const int64_t i = rest % g.sizes[d];
      rest /= g.sizes[d];
      by_stride += i * g.strides[d];
      const ViewDim& dim = v->dims[d];
      const bool shows = dim.kind == ViewDim::Kind::kWhole || dim.kind == ViewDim::Kind::kSlice;
      if (shows) by_digit += (dim.start + i * dim.step) * dim.block.low;
    }
    ASSERT_EQ(by_stride, by_digit) << text << ", element " << n;
  }
}

TEST(View, ExplainsReshapesPermutationsSelectionsSlicesAndRepetitions) {
  for (const char* text : {
           "f32[24]",
           "f32[2,3,4]",
           "f32[4,3,2]{1,4,12}",
           "f32[6,4]{4,1}",
           "f32[2,12]",
           "f32[2,4]{12,1}+4",          // the middle one of three in a row
           "f32[2,4]{12,3}+2",          // every third
           "f32[3,4]{4,1}+4",           // rows 1 to 3 of 6
           "f32[6,2]{4,1}+1",           // columns 1 and 2 of 4
           "f32[6,2]{4,2}+1",           // odd columns
           "f32[5,24]{0,1}",            // the whole five times
           "f32[2,1,3,1]{12,7,4,1}+3",  // units with strides of any kind
           "f32[]+23",
           "f32[5]{5}",      // steps that do not divide
           "f32[3,4]{5,1}",  // four of each five
           "f32[2,2]{12,5}",
       }) {
    expect_same_places(24, text);
  }
  // Of five patches of three the last four, as rows and columns.
  expect_same_places(30, "f32[2,2,2,3]{15,6,3,1}+3");
}

TEST(View, SaysWhichBlocksADimensionShows) {
  const auto v = view(24, "f32[2,4]{12,1}+4");
  ASSERT_TRUE(v);
  EXPECT_EQ(v->dims[0].block, (Block{12, 24}));
  EXPECT_EQ(v->dims[1].kind, ViewDim::Kind::kWhole);
  EXPECT_EQ(v->selected, (std::vector<Selected>{{{4, 12}, 1}}));
  EXPECT_EQ(view(24, "f32[3,4]{4,1}+8")->dims[0], (ViewDim{ViewDim::Kind::kSlice, {4, 24}, 2, 3}));
}

TEST(View, PatchesWithoutTheFirstAreSlicesOfOneBlock) {
  const auto v = view(30, "f32[2,2,2,3]{15,6,3,1}+3");
  ASSERT_TRUE(v);
  EXPECT_EQ(v->dims[0].kind, ViewDim::Kind::kWhole) << "which can be split";
  EXPECT_EQ(v->dims[1], (ViewDim{ViewDim::Kind::kSlice, {3, 15}, 1, 2, 2}));
  EXPECT_EQ(v->dims[2], (ViewDim{ViewDim::Kind::kSlice, {3, 15}, 0, 2, 1}));
}

TEST(View, DoesNotExplainWhatOverlaps) {
  for (const char* text : {"f32[5,3]{1,1}", "f32[3,4]{2,1}", "f32[2,2,2]{12,1,1}"}) {
    EXPECT_FALSE(view(24, text)) << text;
  }
}

TEST(View, IsWholeWhenEveryElementIsShownOnce) {
  EXPECT_TRUE(is_whole(*view(24, "f32[4,3,2]{1,4,12}"), 24));
  EXPECT_TRUE(is_whole(*view(1, "f32[1,1]"), 1));
  for (const char* text : {"f32[12]", "f32[2,24]{0,1}", "f32[6,3]{4,1}"}) {
    EXPECT_FALSE(is_whole(*view(24, text), 24)) << text;
  }
}

}  // namespace
}  // namespace moai::compiler
