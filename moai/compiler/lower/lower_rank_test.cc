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

// Four of seven elements, every other one from the second on: no digits say that.
TEST(LowerRank, WhatNoViewExplainsStaysWhereItIs) {
  constexpr const char* kText = "s2 = aten::relu(f32[4]{2}+1 s1) -> f32[4]\n";
  EXPECT_EQ(lowered(kText, {}, 1), kText);
}

TEST(LowerRank, ARepeatedOperandIsRepeatedForTheRanksPart) {
  EXPECT_EQ(
      lowered("s3 = aten::bmm(f32[5,1,4]{0,4,1} s1, f32[5,4,3] s2) -> f32[5,1,3]\n", {{2, 0}}, 1),
      "s3 = aten::bmm(f32[2,1,4]{0,4,1} s1, f32[2,4,3] s2) -> f32[2,1,3]\n");
}

TEST(LowerRank, AnOperandWithoutElementsHasTheRanksSizes) {
  EXPECT_EQ(lowered("s2 = aten::addmm(f32[5,2] s1, f32[5,0] s0, f32[0,2] s0, word 1.0, word 1.0)"
                    " -> f32[5,2]\n",
                    {{1, 0}}, 1),
            "s2 = aten::addmm(f32[2,2] s1, f32[2,0] s0, f32[0,2] s0, word 1.0, word 1.0)"
            " -> f32[2,2]\n");
}

// The copy is of the rank's part, and so is what overwrites it.
TEST(LowerRank, WhatIsOverwrittenWholeFitsItsStorage) {
  EXPECT_EQ(lowered("s2 = aten::clone(f32[5,2] s1, none) -> f32[5,2]\n"
                    "aten::zero_(f32[5,2]! s2) -> _\n",
                    {{1, 0}}, 1),
            "s2 = aten::clone(f32[2,2] s1, none) -> f32[2,2]\n"
            "alloc s100 40\n"
            "aten::zero_(f32[5,2]! s100) -> _\n"
            "s101 = aten::clone(f32[1,2,2]{10,2,1}+6 s100, none) -> f32[1,2,2]\n"
            "free s100\n"
            "aten::copy_(f32[4]! s2, f32[4] s101, false) -> _\n"
            "free s101\n");
}

TEST(LowerRank, ADrawingCallSaysWhichPartItDraws) {
  // Heads of a projection, as a reader sees them; the memory has its columns outermost.
  EXPECT_EQ(lowered("aten::normal_(f32[5,6]{1,5}! s1, word 0.0, word 1.0, generator 7:2) -> _\n"
                    "s2 = aten::relu(f32[2,3,5]{15,5,1} s1) -> f32[2,3,5]\n",
                    {{1, 1}}, 1),
            "aten::normal_(f32[5,2]{1,5}! s1, word 0.0, word 1.0, generator 7:2, (\"share\", "
            "[10,3], [0,2], [10,1])) -> _\n"
            "s2 = aten::relu(f32[2,1,5] s1) -> f32[2,1,5]\n");
  constexpr const char* kDropout =
      "s2, s3 = aten::native_dropout(f32[5,3] s1, word 0.1, true, generator 7:4) -> f32[5,3], "
      "bool[5,3]\n";
  EXPECT_EQ(lowered(kDropout, {{1, 0}}, 0),
            "s2, s3 = aten::native_dropout(f32[3,3] s1, word 0.1, true, generator 7:4, "
            "(\"share\", [5,3], [0,0], [3,3])) -> f32[3,3], bool[3,3]\n");
  EXPECT_EQ(lowered(kDropout, {}, 0), kDropout) << "all of it";
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

// The gradients of the step before, say.
TEST(LowerRank, WhatNoCallUsesIsReleasedFirst) {
  EXPECT_EQ(lowered("s2 = aten::relu(f32[4] s1) -> f32[4]\nalloc s4 8\nfree s3\nfree s4\nfree s1\n",
                    {}, 0),
            "alloc s4 8\nfree s3\nfree s4\n"
            "s2 = aten::relu(f32[4] s1) -> f32[4]\n"
            "free s1\n");
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

// What a call makes lies otherwise than the storage does in the end.
TEST(LowerRank, AResultMayHaveItsHomeElsewhere) {
  EXPECT_EQ(lowered("s2 = own::operator(f32[6] s1) -> f32[6]\n", {{2, 0}}, 1),
            "s100 = own::operator(f32[6] s1) -> f32[6]\n"
            "s101 = aten::clone(f32[1,3,1]{6,1,1}+3 s100, none) -> f32[1,3,1]\n"
            "free s100\n"
            "s2 = aten::clone(f32[3] s101, none) -> f32[3]\n"
            "free s101\n");
}

TEST(LowerRank, AnAllocatedStorageIsAsLargeAsItsHome) {
  EXPECT_EQ(lowered("alloc s1 24\n"
                    "own::operator.out(f32[6]! s1) -> _\n",
                    {{1, 0}}, 1),
            "alloc s100 24\n"
            "own::operator.out(f32[6]! s100) -> _\n"
            "s101 = aten::clone(f32[1,3,1]{6,1,1}+3 s100, none) -> f32[1,3,1]\n"
            "free s100\n"
            "alloc s1 12\n"
            "aten::copy_(f32[3]! s1, f32[3] s101, false) -> _\n"
            "free s101\n");
}

TEST(LowerRank, ARepeatedDimensionIsAsLongAsTheRanksPart) {
  EXPECT_EQ(
      lowered("s3 = aten::bmm(f32[4,2,5]{0,5,1} s1, f32[4,5,3] s2) -> f32[4,2,3]\n", {{2, 0}}, 1),
      "s3 = aten::bmm(f32[2,2,5]{0,5,1} s1, f32[2,5,3] s2) -> f32[2,2,3]\n");
}

// Class 5 of six is the third of the second rank; on the first it does not occur.
TEST(LowerRank, AnIgnoredClassIsIgnoredWhereItLies) {
  const auto ignored = [](int rank) {
    const std::string text = lowered(
        "s3, s4 = aten::nll_loss_forward(f32[2,6] s1, i64[2] s2, none, 2, 5) -> f32[], f32[]\n",
        {{1, 1}}, rank);
    const size_t at = text.find("nll_loss_forward");
    return text.substr(at, text.find('\n', at) - at);
  };
  EXPECT_EQ(ignored(0),
            "nll_loss_forward(f32[2,3] s1, i64[2] s104, none, 2, -100) -> f32[], f32[]");
  EXPECT_EQ(ignored(1), "nll_loss_forward(f32[2,3] s1, i64[2] s104, none, 2, 2) -> f32[], f32[]");
}

// A Worker may leave out what stands between the borders.
TEST(LowerRank, WhatIsMadeBeforeARegionIsBroughtHomeBeforeIt) {
  EXPECT_EQ(lowered("s3 = aten::mm(f32[2,4] s1, f32[4,2] s2) -> f32[2,2]\n"
                    "moai::skip_if(f32[] s4) -> _\n"
                    "aten::neg_(f32[2]! s5) -> _\n",
                    {{1, 1}, {2, 0}}, 0),
            "s3 = aten::mm(f32[2,2] s1, f32[2,2] s2) -> f32[2,2]\n"
            "moai::all_reduce((f32[4]! s3), \"sum\", 0) -> _\n"
            "moai::skip_if(f32[] s4) -> _\n"
            "aten::neg_(f32[2]! s5) -> _\n");
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

// Overlapping rows behind a tensor in the same storage.
TEST(LowerRank, AnOpaqueSegmentBehindAnotherStaysWhereItIs) {
  const std::string text =
      "alloc s1 96\n"
      "aten::fill_.Scalar(f32[4]! s1, word 1.0) -> _\n"
      "aten::fill_.Scalar(f32[8]+8! s1, word 2.0) -> _\n"
      "s2 = aten::relu(f32[3,4]{2,1}+8 s1) -> f32[3,4]\n";
  EXPECT_EQ(lowered(text, {}, 1), text);
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
            "s102, s103 = moai::all_gather((f32[1,2,1] s100, f32[1,3,1] s101), 1, ([2,2], [3,3]), "
            "0) -> f32[1,4,1], f32[1,6,1]\n"
            "free s100\n"
            "free s101\n"
            "alloc s1 64\n"
            "aten::copy_(f32[4]! s1, f32[4] s102, false) -> _\n"
            "aten::copy_(f32[6]+4! s1, f32[6] s103, false) -> _\n"
            "free s102\n"
            "free s103\n");
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

// What is emitted stands at the recorded call that it belongs to, moves at the one that reads.
TEST(LowerRank, SaysWhichCallEachNodeIsFor) {
  graph::SignatureTable signatures;
  const auto window = graph::parse(
      "alloc s9 8\n"
      "s2 = own::operator(f32[2,5] s1) -> f32[2,5]\n"
      "s3 = aten::relu(f32[2,5] s2) -> f32[2,5]\n"
      "free s2\n",
      &signatures);
  ASSERT_TRUE(window.ok());
  const ValueGraph g = import_window(*window, signatures);
  const Factors factors(g);
  const LayoutPlan plan{
      .mesh = {{{"x", 2}}}, .policies = std::vector<AxisPolicy>(1), .home = {{0, {split_at(0)}}}};
  const SpmdProgram program = partition(g, factors, plan);
  std::vector<uint32_t> sources;
  const graph::Window out =
      lower_rank({&*window, &g, &factors, &program}, 0, 100, &signatures, &sources);
  EXPECT_EQ(print(out, signatures),
            "alloc s9 8\n"
            "s100 = moai::all_gather(f32[1,1,5] s1, 1, [1,1], 0) -> f32[1,2,5]\n"
            "s2 = own::operator(f32[2,5] s100) -> f32[2,5]\n"
            "free s100\n"
            "s3 = aten::relu(f32[2,5] s2) -> f32[2,5]\n"
            "free s2\n");
  EXPECT_EQ(sources, (std::vector<uint32_t>{0, 1, 1, 1, 2, 2}));
}

}  // namespace
}  // namespace moai::compiler
