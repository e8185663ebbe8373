// Recorded training steps with calls made again: what they leave must be what one device leaves.
#include "moai/compiler/passes/recompute.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "moai/compiler/conformance/every_recording.h"
#include "moai/compiler/conformance/mutants/window_mutants.h"
#include "moai/compiler/conformance/plans.h"
#include "moai/compiler/planner/plan_window.h"
#include "moai/compiler/planner/window_in_time.h"
#include "moai/compiler/verify/verify_same.h"

namespace moai::compiler {
namespace {

class Recomputation : public EveryRecording {
 protected:
  Recomputed again(Recompute how) {
    Recomputed r = recompute(golden_.recorded->window, {}, golden_.data, how, kFirstTemporary,
                             golden_.signatures);
    EXPECT_EQ(r.verified.message(), "");
    return r;
  }
  void expect_equal(const graph::Window& window, const std::string& what) {
    const Analysed w(window, golden_.signatures);
    EveryRecording::expect_equal(w, whole_plan(golden_, w, {{"x", 1}}), what);
  }
};

TEST_P(Recomputation, LeavesWhatOneDeviceLeaves) {
  for (const Recompute how : {Recompute::kNone, Recompute::kSelective, Recompute::kFull}) {
    expect_equal(again(how).window, std::string(name(how)));
  }
}

TEST_P(Recomputation, TakesLessMemory) {
  const std::set<std::string> gains{"gpt", "llama", "bert", "vit", "lstm", "dropout", "gpt5"};
  const uint64_t none = most_bytes(again(Recompute::kNone).window),
                 selective = most_bytes(again(Recompute::kSelective).window),
                 full = most_bytes(again(Recompute::kFull).window);
  if (gains.contains(GetParam())) {
    EXPECT_LT(selective, none);
    EXPECT_LT(full, selective);
  } else {
    EXPECT_LE(selective, none);
    EXPECT_LE(full, none);
  }
}

TEST_P(Recomputation, NothingIsCalledAgainWithoutIt) {
  const Recomputed r = again(Recompute::kNone);
  std::set<uint32_t> seen;
  for (size_t i = 0; i < r.sources.size(); ++i) {
    if (r.window.nodes[i].kind != graph::NodeKind::kCall) continue;
    EXPECT_TRUE(seen.insert(r.sources[i]).second);
  }
}

// In micro-batches, and those shared among ranks.
TEST_P(Recomputation, ComposesWithMicroBatches) {
  for (const Recompute how : {Recompute::kSelective, Recompute::kFull}) {
    const Degrees degrees{.microbatches = 3, .recompute = how};
    const WindowInTime in_time = window_in_time({.window = &golden_.recorded->window,
                                                 .uploaded = golden_.data,
                                                 .first_temporary = kFirstTemporary,
                                                 .degrees = degrees},
                                                &golden_.signatures);
    EXPECT_EQ(in_time.refused.message(), "");
    expect_equal(in_time.made.window, to_string(degrees));
    EXPECT_LE(most_bytes(in_time.made.window),
              1.05 * static_cast<double>(most_bytes(again(how).window)));
    WindowPlanner planner(golden_.recorded->window, golden_.data, kFirstTemporary,
                          &golden_.signatures);
    for (Degrees d :
         {Degrees{.dp = 2}, Degrees{.dp = 2, .zero = 3}, Degrees{.tp = 2}, Degrees{.cp = 3}}) {
      d.recompute = how;
      for (const int m : {1, 2}) {
        d.microbatches = m;
        const PlannedWindow planned = planner.plan(d);
        const auto run = reference_->run(*planned.analysed, planned.plan);
        ASSERT_TRUE(run.ok()) << to_string(d) << ": " << run.status().to_string();
        EXPECT_LE(run->error_max, kErrorMax) << to_string(d) << ": " << run->worst;
      }
    }
  }
}

// A mistake that is not seen changes nothing.
TEST_P(Recomputation, MistakesAreSeen) {
  std::mt19937 random(7);
  size_t made = 0, caught = 0;
  const graph::Window right = again(Recompute::kFull).window;
  for (const WindowMistake mistake : kWindowMistakes) {
    for (int i = 0; i < 4; ++i) {
      graph::Window wrong = right;
      if (!make_mistake(mistake, &random, &golden_.signatures, &wrong)) continue;
      ++made;
      if (!verify_same(golden_.recorded->window, wrong, golden_.signatures).ok()) {
        ++caught;
        continue;
      }
      const Analysed w(wrong, golden_.signatures);
      const auto run =
          reference_->run(w, reference_->lay_out(w, whole_plan(golden_, w, {{"x", 1}})));
      EXPECT_TRUE(run.ok() && run->error_max <= kErrorMax)
          << "mistake " << static_cast<int>(mistake) << ", " << i << ": "
          << (run.ok() ? run->worst : run.status().to_string());
    }
  }
  EXPECT_GE(10 * caught, 7 * made);
}

INSTANTIATE_TEST_SUITE_P(Windows, Recomputation,
                         testing::Values("mlp", "cnn", "gpt", "llama", "bert", "vit", "experts",
                                         "lstm", "fused", "evaluation", "accumulation", "dropout",
                                         "noisy", "gpt5"),
                         [](const auto& info) { return std::string(info.param); });

}  // namespace
}  // namespace moai::compiler
