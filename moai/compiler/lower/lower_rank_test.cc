#include "moai/compiler/lower/lower_rank.h"

#include <gtest/gtest.h>

#include "moai/compiler/analysis/import_window.h"
#include "moai/compiler/sharding/partition.h"

namespace moai::compiler {
namespace {

// The program of a rank of two, homes given as (storage, place).
std::string lowered(std::string_view text,
                    const std::vector<std::pair<graph::StorageId, uint32_t>>& homes, int rank) {
  graph::SignatureTable signatures;
  const auto window = graph::parse(text, &signatures);
  EXPECT_TRUE(window.ok()) << window.status().to_string();
  if (!window.ok()) return "";
  const ValueGraph g = import_window(*window, signatures);
  const Factors factors(g);
  LayoutPlan plan{.mesh = {{{"x", 2}}}, .policies = std::vector<AxisPolicy>(1)};
  for (SegmentId s = 0; s < g.segments.size(); ++s) {
    for (const auto& [storage, place] : homes) {
      if (g.segments[s].storage == storage) plan.home[s] = {split_at(place)};
    }
  }
  const SpmdProgram program = partition(g, factors, plan);
  const Lowering in{&*window, &g, &factors, &program};
  const graph::Window out = lower_rank(in, rank, 100, &signatures);
  EXPECT_EQ(verify(out, signatures), ok_status());
  return print(out, signatures);
}

TEST(LowerRank, ACallSeesTheRanksPart) {
  constexpr const char* kText =
      "alloc s1 64\n"
      "aten::fill_.Scalar(f32[5,2]! s1, word 1.0) -> _\n"
      "s3 = aten::mm(f32[5,2] s2, f32[2,5]{1,2} s1) -> f32[5,5]\n"
      "free s1\n";
  EXPECT_EQ(lowered(kText, {{2, 0}}, 0),
            "alloc s1 64\n"
            "aten::fill_.Scalar(f32[5,2]! s1, word 1.0) -> _\n"
            "s3 = aten::mm(f32[3,2] s2, f32[2,5]{1,2} s1) -> f32[3,5]\n"
            "free s1\n");
  EXPECT_EQ(lowered(kText, {{2, 0}}, 1),
            "alloc s1 64\n"
            "aten::fill_.Scalar(f32[5,2]! s1, word 1.0) -> _\n"
            "s3 = aten::mm(f32[2,2] s2, f32[2,5]{1,2} s1) -> f32[2,5]\n"
            "free s1\n");
}

TEST(LowerRank, SharesOfAViewKeepItsStrides) {
  EXPECT_EQ(lowered("s2 = aten::relu(f32[2,5,3]{3,6,1} s1) -> f32[2,5,3]{3,6,1}\n", {{1, 0}}, 1),
            "s2 = aten::relu(f32[2,2,3]{3,6,1} s1) -> f32[2,2,3]{3,6,1}\n");
}

TEST(LowerRank, WhatRepeatsDoesSoThroughTheRanksShare) {
  EXPECT_EQ(lowered("s3 = aten::add.Tensor(f32[7,4]{0,1} s1, f32[7,4] s2, intword 1) -> f32[7,4]\n",
                    {{2, 0}}, 1),
            "s3 = aten::add.Tensor(f32[3,4]{0,1} s1, f32[3,4] s2, intword 1) -> f32[3,4]\n");
}

TEST(LowerRank, SumsOverRanksAreMadeInPlace) {
  EXPECT_EQ(lowered("s3 = aten::mm(f32[2,5] s1, f32[5,2] s2) -> f32[2,2]\n", {{1, 1}, {2, 0}}, 0),
            "s3 = aten::mm(f32[2,3] s1, f32[3,2] s2) -> f32[2,2]\n"
            "moai::all_reduce((f32[4]! s3), \"sum\", 0) -> _\n");
}

TEST(LowerRank, GatheredCopiesAreReleasedAfterTheirLastReader) {
  EXPECT_EQ(lowered("s2 = own::operator(f32[2,5] s1) -> f32[2,5]\n"
                    "s3 = own::operator(f32[2,5] s2) -> f32[2,5]\n"
                    "free s1\nfree s2\n",
                    {{1, 1}}, 0),
            "s100 = moai::all_gather(f32[2,3,1] s1, 1, [3,2], 0) -> f32[2,5,1]\n"
            "free s1\n"
            "s2 = own::operator(f32[2,5] s100) -> f32[2,5]\n"
            "free s100\n"
            "s3 = own::operator(f32[2,5] s2) -> f32[2,5]\n"
            "free s2\n");
}

TEST(LowerRank, WhatIsUpdatedInACopyGoesBack) {
  const std::string text = lowered("aten::own_(f32[4]! s1) -> _\n", {{1, 0}}, 1);
  EXPECT_EQ(text,
            "s100 = moai::all_gather(f32[1,2,1] s1, 1, [2,2], 0) -> f32[1,4,1]\n"
            "aten::own_(f32[4]! s100) -> _\n"
            "s101 = aten::clone(f32[1,2,1]{4,1,1}+2 s100, none) -> f32[1,2,1]\n"
            "free s100\n"
            "aten::copy_(f32[2]! s1, f32[2] s101, false) -> _\n"
            "free s101\n");
}

TEST(LowerRank, StoragesThatGrowDoSoAtOnce) {
  EXPECT_EQ(lowered("alloc s1 0\nresize s1 16\n"
                    "aten::fill_.Scalar(f32[4]! s1, word 1.0) -> _\n"
                    "resize s2 16\n"
                    "aten::fill_.Scalar(f32[4]! s2, word 1.0) -> _\n",
                    {}, 0),
            "resize s2 16\n"
            "alloc s1 16\n"
            "aten::fill_.Scalar(f32[4]! s1, word 1.0) -> _\n"
            "aten::fill_.Scalar(f32[4]! s2, word 1.0) -> _\n");
}

// Two weights packed into one storage.
TEST(LowerRank, AStorageOfSeveralSegmentsStaysWhole) {
  EXPECT_EQ(lowered("alloc s1 64\n"
                    "aten::copy_(f32[4]! s1, f32[4] s2, false) -> _\n"
                    "aten::copy_(f32[6]{1}+4! s1, f32[6] s3, false) -> _\n",
                    {{1, 0}, {2, 0}, {3, 0}}, 1),
            "alloc s100 8\n"
            "aten::copy_(f32[2]! s100, f32[2] s2, false) -> _\n"
            "alloc s101 12\n"
            "aten::copy_(f32[3]! s101, f32[3] s3, false) -> _\n"
            "s102 = moai::all_gather(f32[1,2,1] s100, 1, [2,2], 0) -> f32[1,4,1]\n"
            "free s100\n"
            "s103 = moai::all_gather(f32[1,3,1] s101, 1, [3,3], 0) -> f32[1,6,1]\n"
            "free s101\n"
            "alloc s1 64\n"
            "aten::copy_(f32[4]! s1, f32[4] s102, false) -> _\n"
            "aten::copy_(f32[6]+4! s1, f32[6] s103, false) -> _\n"
            "free s102\n"
            "free s103\n");
}

// Overlapping rows behind a tensor in the same storage.
TEST(LowerRank, AnOpaqueSegmentStaysWhereItIs) {
  const std::string text =
      "alloc s1 96\n"
      "aten::fill_.Scalar(f32[4]! s1, word 1.0) -> _\n"
      "aten::fill_.Scalar(f32[8]+8! s1, word 2.0) -> _\n"
      "s2 = aten::relu(f32[3,4]{2,1}+8 s1) -> f32[3,4]\n";
  EXPECT_EQ(lowered(text, {}, 1), text);
}

TEST(LowerRank, CallsOverListsAreJoinedBehindOneSum) {
  EXPECT_EQ(lowered("s4 = aten::mm(f32[2,4] s1, f32[4,3] s2) -> f32[2,3]\n"
                    "s5 = aten::mm(f32[3,4] s3, f32[4,3] s2) -> f32[3,3]\n"
                    "aten::_foreach_add_.List((f32[2,3]! s6, f32[3,3]! s7), (f32[2,3] s4, "
                    "f32[3,3] s5), word 1.0)\n"
                    "free s4\nfree s5\n",
                    {{1, 1}, {2, 0}, {3, 1}}, 0),
            "s4 = aten::mm(f32[2,2] s1, f32[2,3] s2) -> f32[2,3]\n"
            "s5 = aten::mm(f32[3,2] s3, f32[2,3] s2) -> f32[3,3]\n"
            "moai::all_reduce((f32[6]! s4, f32[9]! s5), \"sum\", 0) -> _\n"
            "aten::_foreach_add_.List((f32[2,3]! s6, f32[3,3]! s7), (f32[2,3] s4, f32[3,3] s5), "
            "word 1.0)\n"
            "free s4\nfree s5\n");
}

}  // namespace
}  // namespace moai::compiler
