// Recorded training steps under many plans: every plan must leave what one device leaves.
#include <gtest/gtest.h>

#include <random>

#include "moai/compiler/conformance/run_plan.h"
#include "moai/device/aten/aten_device.h"
#include "moai/compiler/sharding/partition.h"

namespace moai::compiler {
namespace {

constexpr double kErrorMax = 1e-10;

class Sharding : public testing::TestWithParam<const char*> {
 protected:
  Sharding() {
    auto device = device::make_aten_device({});
    EXPECT_TRUE(device.ok()) << device.status().to_string();
    device_ = std::move(*device);
    load(GetParam(), &golden_);
    factors_ = std::make_unique<Factors>(golden_.graph);
    reference_ = std::make_unique<Reference>(device_.get(), &golden_);
  }

  LayoutPlan plan(std::vector<MeshAxis> axes) const {
    LayoutPlan p{.mesh = {std::move(axes)}};
    p.policies.resize(p.mesh.axes.size());
    for (const SegmentId s : golden_.data) {
      if (!factors_->of(s).empty()) p.batch.push_back(factors_->of(s)[0]);
    }
    return p;
  }
  void split(LayoutPlan* p, SegmentId s, size_t axis, uint32_t place) const {
    Placement& home = p->home.try_emplace(s, Placement(p->mesh.axes.size())).first->second;
    home[axis] = split_at(place);
  }
  void split_data(LayoutPlan* p, size_t axis) const {
    for (const SegmentId s : golden_.data) split(p, s, axis, 0);
  }
  void expect_equal(const LayoutPlan& p, const std::string& what) {
    const auto run = reference_->run(*factors_, p);
    ASSERT_TRUE(run.ok()) << what << ": " << run.status().to_string();
    EXPECT_LE(run->error_max, kErrorMax) << what << ": " << run->worst;
    if (std::getenv("SHOW")) printf("%s: collectives %llu bytes %llu error %g\n%s", what.c_str(), (unsigned long long)run->collectives, (unsigned long long)run->moved_bytes, run->error_max, print(golden_.graph, partition(golden_.graph, *factors_, p)).c_str());
    RecordProperty(what, std::to_string(run->collectives));
  }

  std::unique_ptr<device::Device> device_;
  GoldenWindow golden_;
  std::unique_ptr<Factors> factors_;
  std::unique_ptr<Reference> reference_;
};

TEST_P(Sharding, EveryRankRunsTheWholeWindow) { expect_equal(plan({{"x", 3}}), "replicated"); }

TEST_P(Sharding, DataParallel) {
  for (const int n : {2, 3, 4}) {
    LayoutPlan p = plan({{"dp", n}});
    split_data(&p, 0);
    expect_equal(p, "dp" + std::to_string(n));
  }
}

// Any home of any input, any policy.
TEST_P(Sharding, RandomPlans) {
  for (int seed = 0; seed < 12; ++seed) {
    std::mt19937 random(static_cast<unsigned>(seed));
    const auto chance = [&](double p) {
      return std::uniform_real_distribution<double>(0, 1)(random) < p;
    };
    LayoutPlan p = seed % 3 == 0 ? plan({{"x", 2}}) : seed % 3 == 1 ? plan({{"x", 3}}) : plan({{"x", 2}, {"y", 3}});
    for (AxisPolicy& policy : p.policies) {
      if (chance(0.5)) policy.keeps = AxisPolicy::Keeps::kWeights;
      policy.scatters_gradients = chance(0.5);
    }
    for (const ValueId v : golden_.graph.inputs) {
      const SegmentId s = golden_.graph.values[v].segment;
      const std::vector<FactorId>& list = factors_->of(s);
      std::vector<bool> taken(list.size());
      for (size_t a = 0; a < p.mesh.axes.size(); ++a) {
        if (list.empty() || !chance(0.6)) continue;
        const auto place = static_cast<uint32_t>(random() % list.size());
        if (taken[place] || factors_->size(list[place]) < p.mesh.axes[a].size) continue;
        taken[place] = true;
        split(&p, s, a, place);
      }
    }
    expect_equal(p, "seed " + std::to_string(seed));
  }
}

INSTANTIATE_TEST_SUITE_P(Windows, Sharding, testing::Values("mlp", "cnn", "gpt", "llama"),
                         [](const auto& info) { return std::string(info.param); });

}  // namespace
}  // namespace moai::compiler
