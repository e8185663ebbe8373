#include "moai/driver/mesh/storage_move.h"

#include <gtest/gtest.h>

namespace moai::driver {
namespace {

using compiler::Mesh;
using compiler::replicated;
using compiler::split_at;
using compiler::StorageLayout;

const Mesh kData{{{"dp", 4}}};
const Mesh kBoth{{{"dp", 2}, {"tp", 2}}};

// Six rows of five, of which rank 0 has two.
const StorageLayout kRows{tensor::DType::kUInt8, {6, 5}, {split_at(0)}};

std::string text(const StorageMove& move, size_t rank) {
  graph::SignatureTable signatures;
  const graph::Window w = calls_of(move, rank, &signatures);
  return graph::print(w, signatures);
}

TEST(StorageMoveTest, IsGatheredAlongTheAxesBeforeAndCutAlongTheNext) {
  const StorageLayout blocks{tensor::DType::kUInt8, {6, 5}, {split_at(1), split_at(0)}};
  const StorageMove move{7, {&kData, kRows}, {&kBoth, blocks}, 100};
  EXPECT_EQ(move.temporaries(), 4u);
  EXPECT_EQ(text(move, 3),
            "s100 = moai::all_gather(u8[1,1,5] s7, 1, [2,2,1,1], 0) -> u8[1,6,5]\n"
            "s101 = aten::clone(u8[6,2,1]{5,1,1}+3 s100, none) -> u8[6,2,1]\n"
            "free s100\n"
            "s102 = aten::clone(u8[1,3,2]{12,2,1}+6 s101, none) -> u8[1,3,2]\n"
            "free s101\n"
            "free s7\n"
            "alloc s7 6\n"
            "aten::copy_(u8[6]! s7, u8[6] s102, false) -> _\n"
            "free s102\n");
}

TEST(StorageMoveTest, WhatLiesWholeIsCutWithoutAWordToOthers) {
  const StorageLayout columns{tensor::DType::kFloat32, {2, 4}, {replicated(), split_at(1)}};
  EXPECT_EQ(text({7, {&kData, {}}, {&kBoth, columns}, 100}, 1),
            "s100 = aten::clone(f32[2,2,1]{4,1,1}+2 s7, none) -> f32[2,2,1]\n"
            "free s7\n"
            "alloc s7 16\n"
            "aten::copy_(f32[4]! s7, f32[4] s100, false) -> _\n"
            "free s100\n");
}

TEST(StorageMoveTest, WhatIsToBeWholeIsGathered) {
  EXPECT_EQ(text({7, {&kData, kRows}, {&kBoth, {}}, 100}, 0),
            "s100 = moai::all_gather(u8[1,2,5] s7, 1, [2,2,1,1], 0) -> u8[1,6,5]\n"
            "free s7\n"
            "alloc s7 30\n"
            "aten::copy_(u8[30]! s7, u8[30] s100, false) -> _\n"
            "free s100\n");
}

// Two stages become two shares: the stage that has it gives it to all.
TEST(StorageMoveTest, WhatOneStageHasIsSharedAmongTheRanksOfAMeshWithoutStages) {
  const Mesh stages{{{std::string(compiler::kStageAxis), 2}, {"tp", 2}}};
  const StorageLayout at_last{tensor::DType::kUInt8, {6, 5}, {compiler::at_stage(1), split_at(0)}};
  const StorageMove move{7, {&stages, at_last}, {&kData, kRows}, 100};
  EXPECT_EQ(text(move, 0),
            "s100 = moai::broadcast(1, 0) -> u8[30]\n"
            "s101 = aten::clone(u8[1,2,5]{30,5,1} s100, none) -> u8[1,2,5]\n"
            "free s100\n"
            "alloc s7 10\n"
            "aten::copy_(u8[10]! s7, u8[10] s101, false) -> _\n"
            "free s101\n");
  EXPECT_EQ(text(move, 3),
            "s100 = moai::all_gather(u8[1,3,5] s7, 1, [3,3], 1) -> u8[1,6,5]\n"
            "moai::broadcast(u8[30] s100, 1, 0) -> _\n"
            "s101 = aten::clone(u8[1,1,5]{30,5,1}+25 s100, none) -> u8[1,1,5]\n"
            "free s100\n"
            "free s7\n"
            "alloc s7 5\n"
            "aten::copy_(u8[5]! s7, u8[5] s101, false) -> _\n"
            "free s101\n");
  EXPECT_EQ(layout_on(kData, at_last).placement, kRows.placement);
  for (const uint32_t stage : {0, 3}) {
    const StorageLayout at{tensor::DType::kUInt8, {6, 5}, {compiler::at_stage(stage), {}}};
    EXPECT_EQ(layout_on(kData, at), StorageLayout{}) << "there are no stages";
    EXPECT_EQ(layout_on(stages, at).whole(), stage == 3) << "there is no such stage";
  }
}

// Elsewhere it stays split where it is, along the longest axis for which that is long enough.
TEST(StorageMoveTest, WhatNothingIsAskedOfStaysSplitWhereItIs) {
  const Mesh long_tensor{{{"dp", 2}, {"tp", 4}}};
  EXPECT_EQ(layout_on(long_tensor, kRows).placement,
            (compiler::Placement{replicated(), split_at(0)}));
  const StorageLayout both{tensor::DType::kUInt8, {3, 8}, {split_at(0), split_at(1)}};
  EXPECT_EQ(layout_on(long_tensor, both).placement,
            (compiler::Placement{split_at(0), split_at(1)}));
  const StorageLayout few{tensor::DType::kUInt8, {3, 5}, {split_at(0)}};
  EXPECT_EQ(layout_on({{{"tp", 4}}}, few), StorageLayout{}) << "three rows for four ranks";
}

}  // namespace
}  // namespace moai::driver
