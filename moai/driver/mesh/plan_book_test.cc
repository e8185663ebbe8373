#include "moai/driver/mesh/plan_book.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "moai/base/file.h"
#include "moai/compiler/planner/recorded_step.h"
#include "moai/graph/recording.h"

namespace moai::driver {
namespace {

class PlanBookTest : public testing::Test {
 protected:
  PlanBookTest() {
    storages_.made(1, 64);
    storages_.made(2, 64);
  }
  graph::Window window(const std::string& text) {
    auto w = graph::parse(text, &signatures_);
    EXPECT_TRUE(w.ok()) << w.status().to_string();
    return *w;
  }

  graph::SignatureTable signatures_;
  Storages storages_;
  PlanBook book_{{.degrees = {.dp = 2}}, &storages_, &signatures_};
};

TEST_F(PlanBookTest, AFormThatCameBeforeIsKnown) {
  const graph::Window w = window("aten::add_.Tensor(f32[16]! s1, f32[16] s2, 1) -> _    @1\n");
  EXPECT_EQ(book_.known(w), nullptr);
  const PlanBook::Found found = book_.find(w);
  EXPECT_EQ(book_.known(w), found.plan);
  EXPECT_EQ(book_.find(w).plan, found.plan);
  // The same calls of storages that lie otherwise have another form.
  const graph::Window itself = window("aten::add_.Tensor(f32[16]! s2, f32[16] s2, 1) -> _    @1\n");
  EXPECT_EQ(book_.known(itself), nullptr);
}

TEST_F(PlanBookTest, AWindowThatRunsWholeHasAPlanOfItsOwn) {
  const graph::Window w = window("aten::add_.Tensor(f32[16]! s1, f32[16] s2, 1) -> _    @1\n");
  const WindowPlan* whole = book_.find(w, true).plan;
  EXPECT_EQ(book_.known(w), nullptr) << "only whole";
  EXPECT_NE(book_.find(w).plan, whole);
  EXPECT_EQ(book_.find(w, true).plan, whole);
  EXPECT_EQ(book_.size(), 2u);
}

TEST_F(PlanBookTest, WithOtherDegreesItBeginsWithTheDraft) {
  const graph::Window w = window("aten::add_.Tensor(f32[16]! s1, f32[16] s2, 1) -> _    @1\n");
  book_.find(w).plan->defined = true;
  const PlanBook::Options next{.degrees = {.tp = 2}};
  PlanBook::Draft draft = book_.draft(w, next);
  const WindowPlan* plan = draft.plan.get();
  book_.begin_anew(next, w, std::move(draft));
  EXPECT_EQ(book_.known(w), plan);
  EXPECT_EQ(book_.size(), 1u);
  EXPECT_EQ(book_.take_dropped().size(), 1u);
}

// A recorded training step of ranks with little memory.
class PlanBookOfAStepTest : public PlanBookTest {
 protected:
  PlanBookOfAStepTest() {
    const auto text = read_file(MOAI_SOURCE "/tests/golden/windows/gpt.txt");
    const auto recording = graph::parse_recording(text.ok() ? *text : "?", &signatures_);
    EXPECT_TRUE(recording.ok()) << recording.status().to_string();
    const auto step = compiler::training_step(*recording, signatures_).value();
    for (const auto& [id, bytes] : step.older) storages_.made(id, bytes);
    for (const StorageId id : step.uploaded) {
      storages_.hold(id, std::string(storages_.state(id)->bytes, 'x'));
    }
    step_ = step.window;
  }
  PlanBook book(const PlanBook::Options& options) { return {options, &storages_, &signatures_}; }
  uint64_t bytes(const compiler::Degrees& d) {
    return book({.degrees = d}).find(step_).plan->rank_bytes;
  }
  size_t calls(const WindowPlan& p) const { return p.ranks[0].calls.size(); }

  graph::Window step_;
};

TEST_F(PlanBookOfAStepTest, WhatDoesNotFitIsSharedThenMadeAgainThenCutInParts) {
  using compiler::Recompute;
  const auto grown = [&](uint64_t limit, const PlanBook::Open& open) {
    PlanBook b = book({.degrees = {.dp = 2}, .open = open, .rank_bytes = limit});
    const compiler::Degrees d = b.find(step_).plan->degrees;
    EXPECT_EQ(b.degrees(), d) << "and so it stays";
    return d;
  };
  const uint64_t plain = bytes({.dp = 2});
  const uint64_t again = bytes({.dp = 2, .recompute = Recompute::kFull});
  const PlanBook::Open pinned_zero{.zero = false};
  EXPECT_EQ(grown(plain, {}), (compiler::Degrees{.dp = 2}));
  EXPECT_GT(grown(plain - 1, {}).zero, 0);
  ASSERT_LT(again, plain);
  EXPECT_EQ(grown(again, pinned_zero), (compiler::Degrees{.dp = 2, .recompute = Recompute::kFull}));
  // Of a small batch parts hold more gradients than they let go of activations.
  const compiler::Degrees parts = grown(again - 1, pinned_zero);
  EXPECT_EQ(parts.recompute, Recompute::kFull);
  EXPECT_GT(parts.microbatches, 1);
  EXPECT_EQ(grown(1, {false, false, false}), (compiler::Degrees{.dp = 2})) << "all is pinned";
}

TEST_F(PlanBookOfAStepTest, WhatIsExchangedGoesOnBesideCallsWhereTheBookSaysSo) {
  const auto waits = [&](bool overlaps) {
    PlanBook b({.degrees = {.dp = 2, .zero = 3}}, &storages_, &signatures_, overlaps);
    const WindowPlan& plan = *b.find(step_).plan;
    EXPECT_EQ(plan.verified, ok_status());
    return std::ranges::count_if(plan.ranks[0].program.instructions, [&](const auto& i) {
      return i.kind == graph::NodeKind::kCall &&
             signatures_.at(i.signature).signature().op == "moai::wait";
    });
  };
  EXPECT_EQ(waits(false), 0);
  EXPECT_GT(waits(true), 0);
}

// The rows of a micro-batch are those of the job's full batch, in as many as the degrees say now.
TEST_F(PlanBookOfAStepTest, OtherDegreesCutTheBatchAnew) {
  const PlanBook::Options halves{.degrees = {.microbatches = 2}};
  const PlanBook::Options quarters{.degrees = {.microbatches = 4}};
  PlanBook b = book(halves);
  const size_t of_halves = calls(*b.find(step_).plan);
  PlanBook expected = book(quarters);
  const size_t of_quarters = calls(*expected.find(step_).plan);
  ASSERT_GT(of_quarters, of_halves);
  EXPECT_EQ(calls(*b.draft(step_, quarters).plan), of_quarters);
  EXPECT_EQ(calls(*b.draft(step_, halves).plan), of_halves) << "a draft changes nothing";
  b.begin_anew(quarters, step_, b.draft(step_, quarters));
  EXPECT_EQ(calls(*b.find(step_).plan), of_quarters);
}

}  // namespace
}  // namespace moai::driver
