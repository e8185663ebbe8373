// Recorded training steps in micro-batches: what they leave must be what one device leaves.
#include "moai/compiler/passes/micro_batches.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>

#include "moai/compiler/conformance/every_recording.h"
#include "moai/compiler/conformance/mutants/window_mutants.h"
#include "moai/compiler/conformance/plans.h"
#include "moai/compiler/passes/recompute.h"
#include "moai/compiler/planner/plan_window.h"

namespace moai::compiler {
namespace {

class MicroBatches : public EveryRecording {
 protected:
  MicroBatched in_time(int microbatches, TimeOrder order = {},
                       std::function<void(graph::Window*)> mistake = {}) {
    const bool right = !mistake;
    MicroBatched m = micro_batches({.window = &golden_.recorded->window,
                                    .uploaded = golden_.data,
                                    .first_temporary = kFirstTemporary,
                                    .microbatches = microbatches,
                                    .order = std::move(order),
                                    .mistake = std::move(mistake)},
                                   &golden_.signatures);
    if (right) {
      EXPECT_EQ(m.verified.message(), "") << microbatches;
    }
    return m;
  }
  PlannedWindow plan(const MicroBatched& m, const Degrees& d) {
    PlannerInput input{.uploaded = golden_.data,
                       .first_temporary = m.next_temporary,
                       .cuts = {},
                       .adjust = {},
                       .wholes = m.wholes,
                       .phases = m.phases};
    return WindowPlanner(m.window, std::move(input), &golden_.signatures).plan(d);
  }
};

TEST_P(MicroBatches, LeaveWhatOneDeviceLeaves) {
  for (const int m : {2, 3, 4}) {
    const MicroBatched split = in_time(m);
    const Analysed w(split.window, golden_.signatures);
    expect_equal(w, whole_plan(golden_, w, {{"x", 1}}), std::to_string(m) + " micro-batches");
  }
}

// What ranks share on top, in a window whose roles are found anew.
TEST_P(MicroBatches, AreSharedAmongRanks) {
  for (const int m : {2, 3}) {
    const MicroBatched split = in_time(m);
    for (const Degrees& d :
         {Degrees{.dp = 2}, Degrees{.dp = 3, .zero = 1}, Degrees{.dp = 2, .zero = 3},
          Degrees{.tp = 2}, Degrees{.dp = 2, .tp = 2, .zero = 2}, Degrees{.zero = 3, .cp = 3},
          Degrees{.dp = 2, .zero = 1, .cp = 2}}) {
      const PlannedWindow planned = plan(split, d);
      expect_equal(*planned.analysed, planned.plan, to_string(d) + " m" + std::to_string(m));
    }
  }
}

// All forward parts first, then the backward parts from the last on.
TEST_P(MicroBatches, RunInAnyOrderOfTasks) {
  TimeOrder order;
  for (const int k : {0, 1, 2}) order.tasks.push_back({0, false, k});
  for (const int k : {2, 0, 1}) order.tasks.push_back({0, true, k});
  const MicroBatched split = in_time(3, order);
  const Analysed w(split.window, golden_.signatures);
  expect_equal(w, whole_plan(golden_, w, {{"x", 1}}), "another order");
}

// The activations of one micro-batch at a time, but where all wait for each other.
TEST_P(MicroBatches, TakeLessMemory) {
  const std::set<std::string> gains{"gpt",  "llama",   "bert",       "vit",
                                    "lstm", "experts", "evaluation", "dropout"};
  uint64_t given = 0;
  for (const auto& [id, content] : golden_.inputs) given += content.size();
  const Recomputed whole = recompute(golden_.recorded->window, {}, golden_.data, Recompute::kNone,
                                     kFirstTemporary, golden_.signatures);
  const uint64_t one = most_bytes(whole.window), two = most_bytes(in_time(2).window),
                 three = most_bytes(in_time(3).window);
  if (!gains.contains(GetParam())) {
    EXPECT_LE(static_cast<double>(three), 1.1 * static_cast<double>(one));
    return;
  }
  EXPECT_LT(three, two);
  EXPECT_LT(static_cast<double>(two - given), 0.8 * static_cast<double>(one - given));
}

// Weights in shares are gathered for each part anew, and gone meanwhile.
TEST_P(MicroBatches, LeaveGatheredWeightsBetweenTheirParts) {
  if (GetParam() != std::string("gpt")) return;
  WindowPlanner planner(golden_.recorded->window, golden_.data, kFirstTemporary,
                        &golden_.signatures);
  const auto gathers = [&](int m) {
    size_t count = 0;
    for (const Step& step : planner.plan({.dp = 2, .zero = 3, .microbatches = m}).program.steps) {
      const auto* move = std::get_if<MoveStep>(&step);
      count += move && move->kind == MoveKind::kAllGather;
    }
    return static_cast<double>(count);
  };
  EXPECT_GT(gathers(2), 1.5 * gathers(1));
  EXPECT_GT(gathers(3), 2.0 * gathers(1));
}

// What needs a whole batch is named, and nothing else.
TEST_P(MicroBatches, SayWhereTheyWaitForEachOther) {
  std::set<std::string> ops;
  for (const TimeBarrier& b : in_time(2).barriers) ops.insert(b.op);
  std::set<std::string> expected;
  if (GetParam() == std::string("cnn")) {
    expected = {"aten::native_batch_norm", "aten::native_batch_norm_backward"};
  }
  // The balance of experts is a product of means.
  if (GetParam() == std::string("experts")) expected = {"aten::mul"};
  EXPECT_EQ(ops, expected);
}

TEST_P(MicroBatches, OriginsLeadBackToTheWindow) {
  const MicroBatched split = in_time(2);
  ASSERT_EQ(split.origins.size(), split.window.nodes.size());
  std::map<uint32_t, std::set<int>> seen;
  for (size_t i = 0; i < split.origins.size(); ++i) {
    const NodeOrigin& o = split.origins[i];
    ASSERT_LT(o.source, golden_.recorded->window.nodes.size());
    if (split.window.nodes[i].kind != graph::NodeKind::kCall || split.window.nodes[i].line == 0) {
      continue;
    }
    EXPECT_EQ(split.window.nodes[i].line, golden_.recorded->window.nodes[o.source].line);
    seen[o.source].insert(o.microbatch);
  }
  size_t twice = 0;
  for (const auto& [source, parts] : seen) {
    EXPECT_TRUE(!parts.contains(0) || parts.contains(1)) << source;
    twice += parts.contains(0);
  }
  EXPECT_GT(twice, 0u);
}

// A mistake that is not seen changes nothing.
TEST_P(MicroBatches, MistakesAreSeen) {
  std::mt19937 random(7);
  size_t made = 0, caught = 0;
  for (const WindowMistake mistake : kWindowMistakes) {
    for (int i = 0; i < 4; ++i) {
      graph::Window wrong;
      bool done = false;
      const MicroBatched m = in_time(3, {}, [&](graph::Window* w) {
        done = make_mistake(mistake, &random, &golden_.signatures, w);
        wrong = *w;
      });
      if (!done) continue;
      ++made;
      if (!m.verified.ok()) {
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
  EXPECT_GT(made, 0u);
  EXPECT_GE(10 * caught, 7 * made);
}

// A step that may be skipped is skipped as a whole, and nothing with it.
TEST_P(MicroBatches, CallsThatAreMovedOverABorderAreSeen) {
  if (GetParam() != std::string("accumulation")) return;
  const auto position = [&](const graph::Window& w, const std::string& op) {
    const auto found = std::ranges::find_if(w.nodes, [&](const graph::Node& n) {
      return n.kind == graph::NodeKind::kCall &&
             golden_.signatures.at(n.signature).signature().op == op;
    });
    EXPECT_NE(found, w.nodes.end()) << op;
    return found - w.nodes.begin();
  };
  const auto with_moved = [&](const std::string& border, ptrdiff_t by) {
    return in_time(2, {}, [&](graph::Window* w) {
      ptrdiff_t at = position(*w, border);
      ptrdiff_t calls = 0;
      while (calls < std::abs(by)) {
        const ptrdiff_t next = by > 0 ? at + 1 : at - 1;
        calls += w->nodes.at(static_cast<size_t>(next)).kind == graph::NodeKind::kCall;
        std::swap(w->nodes[static_cast<size_t>(at)], w->nodes[static_cast<size_t>(next)]);
        at = next;
      }
    });
  };
  EXPECT_FALSE(with_moved("moai::skip_if", 1).verified.ok()) << "the first call always runs";
  EXPECT_FALSE(with_moved("moai::skip_end", -1).verified.ok()) << "the last call always runs";
  EXPECT_FALSE(with_moved("moai::skip_if", -1).verified.ok()) << "another call may be skipped";
}

INSTANTIATE_TEST_SUITE_P(Windows, MicroBatches, training_steps(), recording_name);

}  // namespace
}  // namespace moai::compiler
