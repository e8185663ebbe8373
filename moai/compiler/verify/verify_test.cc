#include "moai/compiler/verify/verify.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "moai/compiler/analysis/import_window.h"
#include "moai/compiler/sharding/partition.h"

namespace moai::compiler {
namespace {

using testing::HasSubstr;

// A window on ranks of one axis, homes given as (storage, place).
struct Laid {
  Laid(std::string_view text, const std::vector<std::pair<graph::StorageId, uint32_t>>& homes,
       int size = 2)
      : window(*graph::parse(text, &signatures)),
        graph(import_window(window, signatures)),
        factors(graph) {
    LayoutPlan plan{.mesh = {{{"x", size}}}, .policies = std::vector<AxisPolicy>(1)};
    for (SegmentId s = 0; s < graph.segments.size(); ++s) {
      for (const auto& [storage, place] : homes) {
        if (graph.segments[s].storage == storage) plan.home[s] = {split_at(place)};
      }
    }
    program = partition(graph, factors, plan);
    lower();
  }

  void lower() {
    ranks.clear();
    for (int rank = 0; rank < program.mesh.ranks(); ++rank) {
      ranks.push_back(lower_rank(lowering(), rank, 100, &signatures));
    }
  }
  Lowering lowering() const { return {&window, &graph, &factors, &program}; }
  std::string error() const { return verify(lowering(), ranks, signatures).message(); }
  // Replaces a text in the program of a rank, or of all.
  void edit(std::string_view from, std::string_view to, int rank = -1) {
    for (size_t i = 0; i < ranks.size(); ++i) {
      if (rank >= 0 && i != static_cast<size_t>(rank)) continue;
      std::string text = print(ranks[i], signatures);
      const size_t at = text.find(from);
      ASSERT_NE(at, std::string::npos) << text;
      ranks[i] = *graph::parse(text.replace(at, from.size(), to), &signatures);
    }
  }

  graph::SignatureTable signatures{};
  graph::Window window;
  ValueGraph graph;
  Factors factors;
  SpmdProgram program{};
  std::vector<graph::Window> ranks{};
};

constexpr const char* kProducts =
    "s4 = aten::mm(f32[5,4] s1, f32[4,3] s2) -> f32[5,3]    @7\n"
    "s5 = aten::relu(f32[5,3] s4) -> f32[5,3]    @8\n"
    "aten::add_.Tensor(f32[4,3]! s2, f32[4,3] s3, intword 1) -> _    @9\n"
    "free s4\n";

TEST(Verify, WhatIsLoweredVerifies) {
  EXPECT_EQ(Laid(kProducts, {}).error(), "");
  EXPECT_EQ(Laid(kProducts, {{1, 0}}).error(), "");          // rows
  EXPECT_EQ(Laid(kProducts, {{1, 1}, {2, 0}}).error(), "");  // summed
  EXPECT_EQ(Laid(kProducts, {{2, 1}}, 3).error(), "");       // columns
}

TEST(Verify, NamesTheStepTheOperatorAndTheLine) {
  Laid laid(kProducts, {{1, 1}, {2, 0}});
  laid.edit("moai::all_reduce((f32[15]! s4), \"sum\", 0) -> _\n", "");
  EXPECT_THAT(laid.error(), HasSubstr("step 2, aten::relu @8"));
  EXPECT_THAT(laid.error(), HasSubstr("was not made yet"));
}

// ---- windows of ranks

TEST(Verify, RanksMakeTheSameCalls) {
  Laid laid(kProducts, {{1, 1}, {2, 0}});
  laid.edit("moai::all_reduce((f32[15]! s4), \"sum\", 0) -> _\n", "", 1);
  EXPECT_THAT(laid.error(), HasSubstr("rank 1: it makes more or fewer calls"));
}

TEST(Verify, ASumIsOfItsKindAndAxisAndWhole) {
  for (const auto& [to, what] : {std::pair{"(f32[15]! s4), \"max\", 0", "its kind is max"},
                                 {"(f32[15]! s4), \"sum\", 1", "another axis"},
                                 {"(f32[14]! s4), \"sum\", 0", "f32[14], not f32[15]"},
                                 {"(f32[15]! s2), \"sum\", 0", "no step sums"}}) {
    Laid laid(kProducts, {{1, 1}, {2, 0}});
    laid.edit("(f32[15]! s4), \"sum\", 0", to);
    EXPECT_THAT(laid.error(), HasSubstr(what));
  }
}

TEST(Verify, ATensorIsTheRanksPart) {
  Laid larger(kProducts, {{1, 0}});
  larger.edit("f32[2,4] s1", "f32[3,4] s1", 1);
  EXPECT_THAT(larger.error(), HasSubstr("operand 0 is f32[3,4], not f32[2,4] on rank 1"));
  Laid shifted(kProducts, {{1, 0}});
  shifted.edit("f32[2,4] s1", "f32[2,4]+4 s1", 1);
  EXPECT_THAT(shifted.error(), HasSubstr("not f32[2,4] on rank 1"));
}

TEST(Verify, AStorageHoldsWhatIsRead) {
  Laid other(kProducts, {});
  other.edit("aten::relu(f32[5,3] s4)", "aten::relu(f32[5,3] s2)");
  EXPECT_THAT(other.error(), HasSubstr("operand 0 is read in s2"));
  Laid early(kProducts, {});
  early.edit("free s4\n", "");
  early.edit("s5 = aten::relu", "free s4\ns5 = aten::relu");
  EXPECT_THAT(early.error(), HasSubstr("uses a released storage: 4"));
}

TEST(Verify, CallsAreNeitherDroppedNorAddedNorExchanged) {
  Laid dropped(kProducts, {});
  dropped.edit("s5 = aten::relu(f32[5,3] s4) -> f32[5,3]    @8\n", "");
  EXPECT_THAT(dropped.error(), HasSubstr("aten::relu @8: it is another operator"));
  Laid added(kProducts, {});
  added.edit("-> _    @9\n", "-> _    @9\ns9 = aten::relu(f32[5,3] s5) -> f32[5,3]\n");
  EXPECT_THAT(added.error(), HasSubstr("all steps have run"));
  Laid exchanged(kProducts, {});
  exchanged.edit("aten::relu", "aten::neg");
  EXPECT_THAT(exchanged.error(), HasSubstr("call 1, aten::neg, for step 1, aten::relu @8"));
}

TEST(Verify, WordsAreTheRecordedOnes) {
  Laid laid(kProducts, {});
  laid.edit("intword 1", "intword 2", 1);
  EXPECT_THAT(laid.error(), HasSubstr("word 0 is another than was recorded on rank 1"));
}

TEST(Verify, WhatTheWindowReleasesIsReleasedAndNothingElse) {
  Laid kept(kProducts, {});
  kept.edit("free s4\n", "");
  EXPECT_THAT(kept.error(), HasSubstr("s4: it is never released"));
  Laid lost(kProducts, {});
  lost.edit("free s4\n", "free s4\nfree s5\n");
  EXPECT_THAT(lost.error(), HasSubstr("s5: it is released, the window keeps it"));
}

TEST(Verify, GatheredSharesAreOfTheRanksInOrder) {
  constexpr const char* kWhole = "s2 = own::operator(f32[5,2] s1) -> f32[5,2]\n";
  Laid laid(kWhole, {{1, 0}});
  EXPECT_EQ(laid.error(), "");
  laid.edit("[3,2]", "[2,3]");
  EXPECT_THAT(laid.error(), HasSubstr("all_gather"));
}

TEST(Verify, WhatWasWrittenInACopyGoesHome) {
  Laid laid("aten::own_(f32[4]! s1) -> _\n", {{1, 0}});
  EXPECT_EQ(laid.error(), "");
  laid.edit("aten::copy_(f32[2]! s1, f32[2] s101, false) -> _\n", "");
  EXPECT_THAT(laid.error(), HasSubstr("0.1 as S0: it is not at home at the end"));
}

TEST(Verify, AnAllocationHoldsTheRanksPart) {
  Laid laid(
      "alloc s1 40\n"
      "aten::copy_(f32[10]! s1, f32[10] s2, false) -> _\n",
      {{1, 0}, {2, 0}});
  EXPECT_EQ(laid.error(), "");
  laid.edit("alloc s1 20", "alloc s1 16");
  EXPECT_THAT(laid.error(), HasSubstr("s1 is too small for f32[5] on rank 0"));
}

TEST(Verify, PointersArriveInTheRanksPartOfATable) {
  const auto edits = [](std::string_view text, std::string_view from, std::string_view to,
                        int rank = -1) {
    Laid laid(text, {{1, 0}});
    EXPECT_EQ(laid.error(), "");
    laid.edit(from, to, rank);
    return laid.error();
  };
  constexpr const char* kRows =
      "s3 = aten::embedding(f32[7,2] s1, i64[5] s2, -1, false, false) -> f32[5,2]    @4\n";
  EXPECT_THAT(edits(kRows, "s2, 4, 1)", "s2, 3, 1)", 1), HasSubstr("pointer 4 becomes 1"));
  EXPECT_THAT(edits(kRows, "s100, 4)", "s100, 5)", 0), HasSubstr("pointer 4 is zeroed wrongly"));
  EXPECT_THAT(edits(kRows, "[5,1] s103, 0)", "[5,1] s103, 1)"), HasSubstr("is not zeroed"));
  EXPECT_THAT(edits(kRows, "[5,1] s103, 0)", "[5,1] s101, 0)"), HasSubstr("is zeroed wrongly"));
  // Pointers from the end.
  constexpr const char* kIndex = "s3 = aten::index.Tensor(f32[7,2] s1, (i64[5] s2)) -> f32[5,2]\n";
  EXPECT_THAT(edits(kIndex, "s2, 7)", "s2, 8)"), HasSubstr("pointer -7 becomes 1"));
}

TEST(Verify, WhatGrowsInTheWindowGrowsOnRanks) {
  Laid laid("resize s1 16\naten::fill_.Scalar(f32[4]! s1, word 1.0) -> _\n", {});
  EXPECT_EQ(laid.error(), "");
  laid.edit("resize s1 16\n", "");
  EXPECT_THAT(laid.error(), HasSubstr("s1: it does not grow"));
}

// ---- programs

TEST(Verify, APartialValueIsResolvedBeforeItIsRead) {
  Laid laid(kProducts, {{1, 1}, {2, 0}});
  auto& relu = std::get<CallStep>(laid.program.steps[2]);
  relu.operands[0] = std::get<MoveStep>(laid.program.steps[1]).from;
  laid.program.steps.erase(laid.program.steps.begin() + 1);
  EXPECT_THAT(laid.error(), HasSubstr("operand 0 is 2.1 as P(sum), not R as the rule wants"));
}

TEST(Verify, ResolvedTwiceOrInAnotherWayIsNoMove) {
  Laid twice(kProducts, {{1, 1}, {2, 0}});
  twice.program.steps.insert(twice.program.steps.begin() + 1, twice.program.steps[1]);
  EXPECT_THAT(twice.error(), HasSubstr("was overwritten"));
  Laid gathered(kProducts, {{1, 1}, {2, 0}});
  std::get<MoveStep>(gathered.program.steps[1]).kind = MoveKind::kAllGather;
  EXPECT_THAT(gathered.error(), HasSubstr("it leads from P(sum) to R"));
}

TEST(Verify, OnlyRulesSplit) {
  Laid laid(kProducts, {{1, 0}});
  std::get<CallStep>(laid.program.steps[0]).work[0] = {AxisWork::Kind::kLinear};
  EXPECT_THAT(laid.error(), HasSubstr("step 0, aten::mm @7"));
}

TEST(Verify, NodesRunOnceAndReadTheNewestVersion) {
  Laid missing(kProducts, {});
  missing.program.steps.erase(missing.program.steps.begin() + 1);
  EXPECT_THAT(missing.error(), HasSubstr("aten::relu @8: no step runs it"));
  Laid early(kProducts, {});
  std::swap(early.program.steps[0], early.program.steps[1]);
  EXPECT_THAT(early.error(), HasSubstr("is read before it is made"));
  Laid late(kProducts, {});
  std::swap(late.program.steps[0], late.program.steps[2]);
  std::swap(late.program.steps[1], late.program.steps[2]);
  EXPECT_THAT(late.error(), HasSubstr("was overwritten"));
}

// ---- graphs

TEST(Verify, TheGraphIsTheWindows) {
  Laid view(kProducts, {});
  view.graph.nodes[0].operands[1].view->dims[0].block = {1, 4};
  EXPECT_THAT(view.error(), HasSubstr("its view shows other elements"));
  Laid stale(kProducts, {});
  stale.graph.nodes[2].operands[0].value = stale.graph.nodes[1].operands[0].value;
  EXPECT_THAT(stale.error(), HasSubstr("aten::add_.Tensor @9"));
}

}  // namespace
}  // namespace moai::compiler
