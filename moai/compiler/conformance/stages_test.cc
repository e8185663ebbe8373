// Recorded windows on pipeline stages leave what one device leaves.
#include <algorithm>
#include <map>

#include "moai/compiler/conformance/every_recording.h"
#include "moai/compiler/planner/plan_window.h"

namespace moai::compiler {
namespace {

constexpr graph::StorageId kFirstTemporary = 500000;

class Stages : public EveryRecording {
 protected:
  void expect_equal(const Degrees& degrees) {
    const std::string what = to_string(degrees);
    const PlannedWindow w = planner_.plan(degrees);
    expect_priced(EveryRecording::expect_equal(*w.analysed, w.plan, what), what);
  }

  WindowPlanner planner_{golden_.recorded->window, golden_.data, kFirstTemporary,
                         &golden_.signatures};
};

TEST_P(Stages, LeaveWhatOneDeviceLeaves) {
  for (const int pp : {2, 3, 4}) expect_equal({.pp = pp});
}

TEST_P(Stages, WithDataAndTensorParallelInEach) {
  for (Degrees d : {Degrees{.dp = 2}, Degrees{.tp = 2}, Degrees{.dp = 2, .zero = 1},
                    Degrees{.dp = 2, .zero = 2}, Degrees{.dp = 2, .zero = 3},
                    Degrees{.dp = 2, .tp = 2, .zero = 1}, Degrees{.tp = 2, .sp = true},
                    Degrees{.dp = 3, .tp = 2, .zero = 3, .sp = true}, Degrees{.cp = 3},
                    Degrees{.dp = 2, .zero = 3, .cp = 2}, Degrees{.tp = 2, .cp = 2}}) {
    d.pp = 2;
    expect_equal(d);
  }
}

// Between two stages travels what the model has in one place, and its gradient; of a tied weight,
// it and its gradient as well. Numbers (norms, and the factor of clipping) do not count.
TEST_P(Stages, OneTensorGoesEachWay) {
  const std::map<std::string, int> travel{{"mlp", 2},   {"cnn", 2},  {"gpt", 4},  {"llama", 2},
                                          {"bert", 4},  {"vit", 2},  {"lstm", 2}, {"dropout", 4},
                                          {"fused", 2}, {"noisy", 2}};
  if (!travel.contains(GetParam())) GTEST_SKIP() << "several branches cross, or several batches";
  const PlannedWindow w = planner_.plan({.pp = 2});
  int crossing = 0;
  for (const Step& step : w.program.steps) {
    const auto* m = std::get_if<MoveStep>(&step);
    if (!m || m->kind != MoveKind::kTransfer) continue;
    const ValueId v = w.program.registers[m->from].value;
    crossing += w.analysed->graph.segments[w.analysed->graph.values[v].segment].count > 1;
  }
  EXPECT_EQ(crossing, travel.at(GetParam())) << print(w.analysed->graph, w.program);
}

// Each stage has a part of the weights, and none of them twice.
TEST_P(Stages, WeightsLieAtOneStage) {
  const PlannedWindow w = planner_.plan({.pp = 2});
  std::vector<int> found(2);
  for (const RegisterId r : w.program.inputs) {
    const SegmentId s = w.analysed->graph.values[w.program.registers[r].value].segment;
    const Role role = w.roles.segments[s];
    if (role != Role::kParameter && role != Role::kState) continue;
    const AxisPlacement& p = w.program.registers[r].placement[0];
    ASSERT_TRUE(p.at()) << name(role) << " s" << w.analysed->graph.segments[s].storage;
    ++found[p.place];
  }
  EXPECT_GT(found[0], 0);
  EXPECT_GT(found[1], 0);
}

// An evaluation of weights that all ranks have moves none; of weights at stages, it goes to them.
TEST(StagesOfAnEvaluation, FollowTheWeights) {
  GoldenWindow golden;
  load("evaluation", &golden);
  const auto plan = [&](StageHome home) {
    PlannerInput input{.uploaded = golden.data, .first_temporary = kFirstTemporary};
    input.stage_home = [&](const Analysed& w, SegmentId s) {
      const bool data =
          std::ranges::find(golden.data, w.graph.segments[s].storage) != golden.data.end();
      return data ? StageHome{} : home;
    };
    return WindowPlanner(golden.recorded->window, std::move(input), &golden.signatures)
        .plan(Degrees{.pp = 2});
  };
  for (const int32_t stage : plan({StageHome::Kind::kAll, 0}).plan.stages) {
    EXPECT_EQ(stage, kEveryStage);
  }
  for (const int32_t stage : plan({StageHome::Kind::kAt, 1}).plan.stages) EXPECT_EQ(stage, 1);
}

INSTANTIATE_TEST_SUITE_P(Windows, Stages, training_steps(), recording_name);

}  // namespace
}  // namespace moai::compiler
