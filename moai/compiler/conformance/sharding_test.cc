// Recorded training steps under many plans: every plan must leave what one device leaves.
#include <gtest/gtest.h>

#include <functional>
#include <random>

#include "moai/compiler/conformance/run_plan.h"
#include "moai/compiler/planner/plan_window.h"
#include "moai/compiler/sharding/partition.h"
#include "moai/device/aten/aten_device.h"

namespace moai::compiler {
namespace {

constexpr double kErrorMax = 1e-10;
constexpr graph::StorageId kFirstTemporary = 500000;

class Sharding : public testing::TestWithParam<const char*> {
 protected:
  using MakePlan = std::function<LayoutPlan(const Analysed&)>;

  Sharding() {
    auto device = device::make_aten_device({});
    EXPECT_TRUE(device.ok()) << device.status().to_string();
    device_ = std::move(*device);
    load(GetParam(), &golden_);
    reference_ = std::make_unique<Reference>(device_.get(), &golden_);
  }

  LayoutPlan plan(const Analysed& w, std::vector<MeshAxis> axes) const {
    LayoutPlan p{.mesh = {std::move(axes)}};
    p.policies.resize(p.mesh.axes.size());
    for (const SegmentId s : w.segments_of(golden_.data)) {
      if (!w.factors.of(s).empty()) p.batch.push_back(w.factors.of(s)[0]);
    }
    return p;
  }
  static void split(LayoutPlan* p, SegmentId s, size_t axis, uint32_t place) {
    Placement& home = p->home.try_emplace(s, Placement(p->mesh.axes.size())).first->second;
    home[axis] = split_at(place);
  }
  // Any home of any input, any policy.
  LayoutPlan random_plan(const Analysed& w, unsigned seed) const {
    std::mt19937 random(seed);
    const auto chance = [&](double p) {
      return std::uniform_real_distribution<double>(0, 1)(random) < p;
    };
    const std::vector<std::vector<MeshAxis>> meshes{{{"x", 2}}, {{"x", 3}}, {{"x", 2}, {"y", 3}}};
    LayoutPlan p = plan(w, meshes[seed % 3]);
    for (AxisPolicy& policy : p.policies) {
      if (chance(0.5)) policy.keeps = AxisPolicy::Keeps::kWeights;
      policy.scatters_gradients = chance(0.5);
    }
    for (const ValueId v : w.graph.inputs) {
      const SegmentId s = w.graph.values[v].segment;
      const std::vector<FactorId>& list = w.factors.of(s);
      std::vector<bool> taken(list.size());
      for (size_t a = 0; a < p.mesh.axes.size(); ++a) {
        if (list.empty() || !chance(0.6)) continue;
        const auto place = static_cast<uint32_t>(random() % list.size());
        if (taken[place] || w.factors.size(list[place]) < p.mesh.axes[a].size) continue;
        taken[place] = true;
        split(&p, s, a, place);
      }
    }
    return p;
  }
  LayoutPlan data_parallel(const Analysed& w, int ranks) const {
    LayoutPlan p = plan(w, {{"dp", ranks}});
    for (const SegmentId s : w.segments_of(golden_.data)) split(&p, s, 0, 0);
    return p;
  }

  // The window with those calls expanded that the plan would move operands for.
  std::shared_ptr<const Analysed> expanded(const MakePlan& make) {
    WindowPlanner planner(golden_.recorded->window, golden_.data, kFirstTemporary,
                          &golden_.signatures);
    const MakeLayout layout = [&](const Analysed& w, const Roles&) { return make(w); };
    return planner.plan(layout).analysed;
  }
  PlanRun expect_equal(const Analysed& w, const LayoutPlan& p, const std::string& what) {
    const auto run = reference_->run(w, p);
    EXPECT_TRUE(run.ok()) << what << ": " << run.status().to_string();
    if (!run.ok()) return {};
    EXPECT_LE(run->error_max, kErrorMax) << what << ": " << run->worst;
    expect_priced(*run, what);
    return *run;
  }
  void expect_equal(const MakePlan& make, const std::string& what) {
    expect_equal(*golden_.recorded, make(*golden_.recorded), what);
    const auto w = expanded(make);
    expect_equal(*w, make(*w), what + ", expanded");
  }

  std::unique_ptr<device::Device> device_;
  GoldenWindow golden_;
  std::unique_ptr<Reference> reference_;
};

TEST_P(Sharding, EveryRankRunsTheWholeWindow) {
  expect_equal([&](const Analysed& w) { return plan(w, {{"x", 3}}); }, "whole");
}

TEST_P(Sharding, DataParallel) {
  for (const int n : {2, 3, 4}) {
    expect_equal([&](const Analysed& w) { return data_parallel(w, n); }, std::to_string(n));
  }
}

// Nothing that grows with the batch travels.
TEST_P(Sharding, DataParallelGathersNoActivation) {
  const MakePlan make = [&](const Analysed& w) { return data_parallel(w, 2); };
  const auto w = expanded(make);
  const SpmdProgram program = partition(w->graph, w->factors, make(*w));
  for (const Step& step : program.steps) {
    const auto* move = std::get_if<MoveStep>(&step);
    EXPECT_FALSE(move && (move->kind == MoveKind::kAllGather || move->kind == MoveKind::kAllToAll))
        << print(w->graph, program);
  }
}

// The comparison sees it.
TEST_P(Sharding, ASumThatIsLeftOutShows) {
  const MakePlan make = [&](const Analysed& w) { return data_parallel(w, 2); };
  const auto w = expanded(make);
  const LayoutPlan p = make(*w);
  const uint64_t sums = expect_equal(*w, p, "all sums").sums;
  EXPECT_GT(sums, 1u);
  for (uint64_t n = 0; n < sums; ++n) {
    const auto run = reference_->run(*w, p, n);
    ASSERT_TRUE(run.ok()) << run.status().to_string();
    EXPECT_GT(run->error_max, kErrorMax) << "sum " << n;
  }
}

TEST_P(Sharding, RandomPlans) {
  for (unsigned seed = 0; seed < 18; ++seed) {
    expect_equal([&](const Analysed& w) { return random_plan(w, seed); },
                 "seed " + std::to_string(seed));
  }
}

INSTANTIATE_TEST_SUITE_P(Windows, Sharding,
                         testing::Values("mlp", "cnn", "gpt", "llama", "bert", "vit", "experts",
                                         "lstm", "fused", "evaluation", "accumulation"),
                         [](const auto& info) { return std::string(info.param); });

}  // namespace
}  // namespace moai::compiler
