// Recorded training steps under many plans: every plan must leave what one device leaves.
#include "moai/compiler/conformance/every_recording.h"
#include "moai/compiler/conformance/plans.h"
#include "moai/compiler/sharding/partition.h"
#include "moai/compiler/verify/verify.h"
#include "moai/ops/call_tensors.h"
#include "moai/ops/share.h"

namespace moai::compiler {
namespace {

class Sharding : public EveryRecording {
 protected:
  PlanRun expect_equal(const Analysed& w, const LayoutPlan& p, const std::string& what) {
    PlanRun run = EveryRecording::expect_equal(w, p, what);
    expect_priced(run, what);
    return run;
  }
  void expect_equal(const MakePlan& make, const std::string& what) {
    expect_equal(*golden_.recorded, make(*golden_.recorded), what);
    const auto w = expanded(&golden_, make);
    expect_equal(*w, make(*w), what + ", expanded");
  }
};

TEST_P(Sharding, EveryRankRunsTheWholeWindow) {
  const MakePlan whole = [&](const Analysed& w) { return whole_plan(golden_, w, {{"x", 3}}); };
  expect_equal(whole, "whole");
  const Analysed& w = *golden_.recorded;
  const LaidOut laid = reference_->lay_out(w, whole(w));
  EXPECT_EQ(verify(laid.lowering(w), laid.ranks, golden_.signatures).message(), "");
}

TEST_P(Sharding, DataParallel) {
  for (const int n : {2, 3, 4}) {
    expect_equal([&](const Analysed& w) { return data_parallel(golden_, w, n); },
                 std::to_string(n));
  }
}

// Nothing that grows with the batch travels.
TEST_P(Sharding, DataParallelGathersNoActivation) {
  const MakePlan make = [&](const Analysed& w) { return data_parallel(golden_, w, 2); };
  const auto w = expanded(&golden_, make);
  const SpmdProgram program = partition(w->graph, w->factors, make(*w));
  for (const Step& step : program.steps) {
    const auto* move = std::get_if<MoveStep>(&step);
    EXPECT_FALSE(move && (move->kind == MoveKind::kAllGather || move->kind == MoveKind::kAllToAll))
        << print(w->graph, program);
  }
}

// The comparison sees it.
TEST_P(Sharding, ASumThatIsLeftOutShows) {
  const MakePlan make = [&](const Analysed& w) { return data_parallel(golden_, w, 2); };
  const auto w = expanded(&golden_, make);
  const LayoutPlan p = make(*w);
  const uint64_t sums = expect_equal(*w, p, "all sums").sums;
  EXPECT_GT(sums, 1u);
  for (uint64_t n = 0; n < sums; ++n) {
    const auto run = reference_->run(*w, p, n);
    ASSERT_TRUE(run.ok()) << run.status().to_string();
    EXPECT_GT(run->error_max, kErrorMax) << "sum " << n;
  }
}

// Each number of an activation is drawn by one rank.
TEST_P(Sharding, DataParallelDrawsEveryActivationOnce) {
  constexpr int kRanks = 3;
  const Analysed& w = *golden_.recorded;
  std::map<NodeId, int64_t> drawn;
  for (const graph::Window& local :
       reference_->lay_out(w, data_parallel(golden_, w, kRanks)).ranks) {
    NodeId number = 0;
    for (const graph::Node& n : local.nodes) {
      if (n.kind != graph::NodeKind::kCall) continue;
      const ops::CallSignature s = golden_.signatures.at(n.signature).signature();
      if (!ops::draws_by_element(s)) continue;
      const auto fresh = ops::fresh_results(s);
      const tensor::Geometry& g = fresh.empty() ? s.args[0].geometry : fresh[0]->geometry;
      drawn[number++] += tensor::element_count(g);
    }
  }
  std::vector<int64_t> counts;
  for (const auto& [node, count] : drawn) counts.push_back(count);
  std::vector<int64_t> expected;
  if (GetParam() == std::string("dropout")) expected = {768, 1536, 768, 768};
  // The last one is drawn into a weight, which every rank has.
  if (GetParam() == std::string("noisy")) expected = {70, 70, 70, 70, kRanks * 40};
  EXPECT_EQ(counts, expected);
}

TEST_P(Sharding, RandomPlans) {
  for (unsigned seed = 0; seed < 18; ++seed) {
    expect_equal([&](const Analysed& w) { return random_plan(golden_, w, seed); },
                 "seed " + std::to_string(seed));
  }
}

INSTANTIATE_TEST_SUITE_P(Windows, Sharding, training_steps(), recording_name);

}  // namespace
}  // namespace moai::compiler
