#include "moai/compiler/sharding/bundled_moves.h"

#include "moai/compiler/sharding/partition.h"
#include "moai/compiler/testing/split_window.h"

namespace moai::compiler {
namespace {

class BundledMoves : public SplitWindow {
 protected:
  // Of each line what it does, and the number of its bundle.
  std::string moves() {
    std::string out;
    for (const Step& step : partition(graph_, *factors_, plan_).steps) {
      if (const auto* m = std::get_if<MoveStep>(&step)) {
        out += std::string(name(m->kind)) + " " + std::to_string(m->bundle) + "\n";
      } else {
        out += graph_.nodes[std::get<CallStep>(step).node].signature.op + "\n";
      }
    }
    return out;
  }
};

// s1 is data, the others are weights that lie in shares.
constexpr const char* kThreeProducts =
    "s3 = aten::mm(f32[4,6] s1, f32[6,8] s2) -> f32[4,8]\n"
    "s5 = aten::mm(f32[4,8] s3, f32[8,6] s4) -> f32[4,6]\n"
    "s7 = aten::mm(f32[4,6] s5, f32[6,2] s6) -> f32[4,2]\n";

class SharedWeights : public BundledMoves {
 protected:
  void SetUp() override {
    import(kThreeProducts);
    for (const graph::StorageId id : {1, 2, 4, 6}) home(id, 0);
    plan_.batch = {factors_->of(0)[0]};
  }
};

TEST_F(SharedWeights, AreGatheredWithTheFirstThatIsNeeded) {
  EXPECT_EQ(moves(), "all_gather 1\nall_gather 1\nall_gather 1\naten::mm\naten::mm\naten::mm\n");
}

// 192, 192 and 48 bytes.
TEST_F(SharedWeights, FillABundleAndBeginAnother) {
  plan_.bundles = {.parts = 1, .bytes_min = 0, .bytes_max = 240};
  EXPECT_EQ(moves(), "all_gather 0\naten::mm\nall_gather 1\nall_gather 1\naten::mm\naten::mm\n");
}

TEST_F(SharedWeights, AreOnePartOfAll) {
  plan_.bundles = {.parts = 2, .bytes_min = 0, .bytes_max = 1000};
  EXPECT_EQ(moves(), "all_gather 0\naten::mm\nall_gather 0\naten::mm\nall_gather 0\naten::mm\n");
}

TEST_F(SharedWeights, GoByThemselvesWhereNothingIsBundled) {
  plan_.bundles.bytes_max = 0;
  EXPECT_EQ(moves(), "all_gather 0\naten::mm\nall_gather 0\naten::mm\nall_gather 0\naten::mm\n");
}

// 192, 192 and 48 bytes. The second comes when the first is needed, the third when the second is.
TEST_F(SharedWeights, ComeABundleAheadWhereTheyOverlap) {
  plan_.bundles = {.parts = 1, .bytes_min = 0, .bytes_max = 200};
  plan_.overlaps = true;
  EXPECT_EQ(moves(), "all_gather 0\nall_gather 0\naten::mm\nall_gather 0\naten::mm\naten::mm\n");
}

// Dropped between the products, and gathered again with what comes next.
TEST_F(SharedWeights, OneValueIsNotTwiceInABundle) {
  import(std::string(kThreeProducts) +
         "s8 = aten::mm(f32[4,2] s7, f32[2,6]{1,2} s6) -> f32[4,6]\n"
         "s9 = aten::mm(f32[4,6] s8, f32[6,8]{1,6} s4) -> f32[4,8]\n");
  for (const graph::StorageId id : {1, 2, 4, 6}) home(id, 0);
  plan_.batch = {factors_->of(0)[0]};
  plan_.regather = 3;
  EXPECT_EQ(moves(),
            "all_gather 1\nall_gather 1\nall_gather 1\naten::mm\naten::mm\naten::mm\n"
            "all_gather 2\nall_gather 2\naten::mm\naten::mm\n");
}

TEST_F(SharedWeights, DoNotCrossTheBorderOfWhatMayBeSkipped) {
  import(
      "s3 = aten::mm(f32[4,6] s1, f32[6,8] s2) -> f32[4,8]\n"
      "moai::skip_if(f32[] s9) -> _\n"
      "s5 = aten::mm(f32[4,8] s3, f32[8,6] s4) -> f32[4,6]\n"
      "moai::skip_end() -> _\n"
      "s7 = aten::mm(f32[4,8] s3, f32[8,2] s6) -> f32[4,2]\n");
  for (const graph::StorageId id : {1, 2, 4, 6}) home(id, 0);
  plan_.batch = {factors_->of(0)[0]};
  EXPECT_EQ(moves(),
            "all_gather 0\naten::mm\nmoai::skip_if\nall_gather 0\naten::mm\nmoai::skip_end\n"
            "all_gather 0\naten::mm\n");
}

// Gradients of two weights, summed over a batch and added to state that lies in shares.
constexpr const char* kTwoGradients =
    "s4 = aten::mm(f32[6,4]{1,6} s1, f32[4,8] s2) -> f32[6,8]\n"
    "s5 = aten::mm(f32[6,4]{1,6} s1, f32[4,2] s3) -> f32[6,2]\n"
    "aten::add_.Tensor(f32[6,8]! s6, f32[6,8] s4, word 1.0) -> _\n"
    "aten::add_.Tensor(f32[6,2]! s7, f32[6,2] s5, word 1.0) -> _\n"
    "free s4\nfree s5\n";

class SharedState : public BundledMoves {
 protected:
  void SetUp() override {
    import(kTwoGradients);
    for (const graph::StorageId id : {1, 2, 3, 6, 7}) home(id, 0);
    for (SegmentId s = 0; s < graph_.segments.size(); ++s) {
      if (graph_.segments[s].storage == 2) plan_.batch = {factors_->of(s)[0]};
    }
    plan_.policies[0].scatters_gradients = true;
  }
};

TEST_F(SharedState, SumsWaitForEachOtherUntilOneIsRead) {
  EXPECT_EQ(moves(),
            "aten::mm\naten::mm\nreduce_scatter 1\nreduce_scatter 1\naten::add_\naten::add_\n");
}

// 192 and 48 bytes.
TEST_F(SharedState, WhatFillsABundleLeavesAtOnce) {
  plan_.bundles = {.parts = 1, .bytes_min = 0, .bytes_max = 192};
  EXPECT_EQ(moves(),
            "aten::mm\nreduce_scatter 0\naten::mm\naten::add_\nreduce_scatter 0\naten::add_\n");
}

// The same with state that every rank has.
class SummedGradients : public SharedState {
 protected:
  void SetUp() override {
    SharedState::SetUp();
    for (SegmentId s = 0; s < graph_.segments.size(); ++s) {
      if (graph_.segments[s].storage >= 6) plan_.home.erase(s);
    }
    plan_.policies[0].scatters_gradients = false;
  }
};

TEST_F(SummedGradients, StandWhereTheyAreNeeded) {
  EXPECT_EQ(moves(), "aten::mm\naten::mm\nall_reduce 0\naten::add_\nall_reduce 0\naten::add_\n");
}

TEST_F(SummedGradients, WaitForEachOtherWhereTheyOverlap) {
  plan_.overlaps = true;
  EXPECT_EQ(moves(), "aten::mm\naten::mm\nall_reduce 1\nall_reduce 1\naten::add_\naten::add_\n");
}

TEST_F(SummedGradients, OfOtherBundlesLeaveAtOnce) {
  plan_.overlaps = true;
  plan_.bundles = {.parts = 1, .bytes_min = 0, .bytes_max = 192};
  EXPECT_EQ(moves(), "aten::mm\nall_reduce 0\naten::mm\naten::add_\nall_reduce 0\naten::add_\n");
}

// The last call runs at the second stage, the others at the first.
class Messages : public BundledMoves {
 protected:
  std::string moves_of(std::string_view text) {
    import(text);
    plan_.mesh = {{{std::string(kStageAxis), 2}}};
    for (SegmentId s = 0; s < graph_.segments.size(); ++s) {
      if (graph_.segments[s].storage <= 2) plan_.home[s] = {at_stage(0)};
    }
    plan_.stages.assign(graph_.nodes.size(), 0);
    plan_.stages.back() = 1;
    return moves();
  }
};

TEST_F(Messages, OfOneCallOverListsGoTogether) {
  EXPECT_EQ(moves_of("s3, s4 = aten::_foreach_neg((f32[4] s1, f32[2] s2)) -> (f32[4], f32[2])\n"
                     "s5 = aten::cat((f32[4] s3, f32[2] s4), 0) -> f32[6]\n"),
            "aten::_foreach_neg\naten::_foreach_neg\ntransfer 1\ntransfer 1\naten::cat\n");
}

TEST_F(Messages, DoNotWaitForWhatIsMadeLater) {
  constexpr const char* kTwo =
      "s3 = aten::neg(f32[4] s1) -> f32[4]\n"
      "s4 = aten::neg(f32[2] s2) -> f32[2]\n";
  EXPECT_EQ(moves_of(std::string(kTwo) + "s5 = aten::cat((f32[4] s3, f32[2] s4), 0) -> f32[6]\n"),
            "aten::neg\naten::neg\ntransfer 0\ntransfer 0\naten::cat\n");
  EXPECT_EQ(moves_of(std::string(kTwo) + "s5 = aten::cat((f32[2] s4, f32[4] s3), 0) -> f32[6]\n"),
            "aten::neg\naten::neg\ntransfer 1\ntransfer 1\naten::cat\n")
      << "what was made earlier goes along";
}

// Of each gradient both sums would stand before its root.
TEST_F(BundledMoves, SumsOnTwoAxesComeOneAxisAfterTheOther) {
  import(
      "s3 = aten::sum.dim_IntList(f32[4,6,5] s1, [0,1], false, none) -> f32[5]\n"
      "s4 = aten::sum.dim_IntList(f32[4,6,7] s2, [0,1], false, none) -> f32[7]\n"
      "s5, s6 = aten::_foreach_sqrt((f32[5] s3, f32[7] s4)) -> (f32[5], f32[7])\n");
  plan_.mesh = {{{"x", 2}, {"y", 3}}};
  plan_.policies.resize(2);
  for (SegmentId s = 0; s < graph_.segments.size(); ++s) {
    const Segment& segment = graph_.segments[s];
    if (segment.storage <= 2) plan_.home[s] = {split_at(0), split_at(1)};
    if (segment.storage == 1) plan_.batch = {factors_->of(s)[0], factors_->of(s)[1]};
  }
  std::string out;
  for (const Step& step : partition(graph_, *factors_, plan_).steps) {
    const auto* m = std::get_if<MoveStep>(&step);
    out += m ? std::string(name(m->kind)) + " " + plan_.mesh.axes[m->axis].name
             : graph_.nodes[std::get<CallStep>(step).node].signature.op;
    out += "\n";
  }
  EXPECT_EQ(out,
            "aten::sum\naten::sum\nall_reduce x\nall_reduce x\nall_reduce y\nall_reduce y\n"
            "aten::_foreach_sqrt\naten::_foreach_sqrt\n");
}

}  // namespace
}  // namespace moai::compiler
