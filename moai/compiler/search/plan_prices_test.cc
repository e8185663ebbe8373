#include "moai/compiler/search/plan_prices.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>

#include "moai/base/file.h"
#include "moai/cluster/cluster_file.h"
#include "moai/cluster/cpu_node.h"
#include "moai/compiler/search/search_plan.h"
#include "moai/compiler/testing/deep_window.h"

namespace moai::compiler {
namespace {

class PlanPricesTest : public testing::Test {
 protected:
  void use(const DeepWindow& d) {
    const auto window = graph::parse(deep_window(d), &signatures_);
    ASSERT_TRUE(window.ok()) << window.status().to_string();
    const auto step = training_step({.windows = {{.window = *window}}}, signatures_);
    ASSERT_TRUE(step.ok()) << step.status().to_string();
    step_ = *step;
  }
  void use_recorded(const std::string& name) {
    const auto text = read_file(MOAI_SOURCE "/tests/golden/windows/" + name + ".txt");
    const auto recording = graph::parse_recording(text.ok() ? *text : "?", &signatures_);
    ASSERT_TRUE(recording.ok()) << recording.status().to_string();
    step_ = training_step(*recording, signatures_).value();
  }
  static cluster::Cluster h100(int devices) {
    auto c = cluster::load_cluster({std::string(MOAI_CLUSTERS) + "/h100-dgx.toml", devices});
    c->device.overlaps_exchanges = false;
    return *c;
  }
  // One node, and no network.
  static cluster::Cluster processors(int devices) {
    return cluster::cpu_node(devices, int64_t{1} << 40, 2);
  }
  // Where exchanges go on beside calls.
  static cluster::Cluster beside(cluster::Cluster c) {
    c.device.overlaps_exchanges = true;
    return c;
  }
  // Where they take as long as calls do, about.
  static cluster::Cluster slow_links(int devices) {
    cluster::Cluster c = h100(devices);
    c.node_link.bytes_per_s /= 30;
    c.measured.clear();
    return c;
  }
  // Whose calls take longer by far where a rank has more than half a MiB, and large products more a
  // row than small ones.
  static cluster::Cluster measured(int devices) {
    cluster::Cluster c = processors(devices);
    c.device.cache_bytes = 1 << 19;
    cluster::OperatorTimes mm{.name = "aten::mm", .flop_s = 1e-11, .cold_call_s = 3e-5};
    for (const double m : {4.0, 16.0, 64.0}) {
      mm.rows.push_back({.shape = {.tensors = 3, .m = m, .n = 384, .k = 96}});
      mm.rows.back().seconds = 1e-11 * 2 * m * 384 * 96 * (m > 32 ? 3 : 1);
    }
    for (const char* name : {"aten::relu", "aten::add", "aten::mul", "aten::t"}) {
      c.device.operators.push_back({.name = name, .call_s = 1e-6, .cold_call_s = 3e-5});
    }
    c.device.operators.push_back(mm);
    return c;
  }

  PlanPrices prices(const cluster::Cluster& cluster) {
    cluster_ = cluster;
    return {step_, cluster_, {}, {}, 1e12, &signatures_};
  }
  // From the candidate's own programs.
  static StepPrice emitted(PlanPrices* prices, const Candidate& c, const PipelineSchedule& s) {
    const auto counted = prices->count_emitted(c);
    EXPECT_TRUE(counted.has_value()) << to_string(c.degrees);
    const auto price = counted ? prices->price(c, *counted, s) : std::nullopt;
    EXPECT_TRUE(price.has_value()) << to_string(c.degrees);
    return price ? price->step : StepPrice{};
  }
  // How many candidates are told by calls that were counted for others.
  size_t compare(PlanPrices* prices) {
    size_t told = 0;
    for (Candidate& c : prices->candidates()) {
      const auto counted = prices->count(c);
      if (!counted || counted->planned) continue;
      const auto price = prices->price(c, *counted, {});
      EXPECT_TRUE(price.has_value()) << to_string(c.degrees);
      if (!price) continue;
      const double step_s = emitted(prices, c, {}).program.step_s;
      EXPECT_NEAR(price->step.program.step_s / step_s, 1, 0.01) << to_string(c.degrees);
      ++told;
    }
    return told;
  }
  // How many are bounded by calls of more rows. However they are bounded, prices are not below.
  size_t bound(PlanPrices* prices) {
    size_t bounded = 0;
    for (Candidate c : prices->candidates()) {
      if (c.microbatches > 32) continue;
      prices->set_bound(&c);
      const double calls_s = c.bound_s;
      if (prices->set_bound_by_rows(&c) && c.bound_s > calls_s) ++bounded;
      if (c.degrees.zero % 2 == 0) prices->set_bound_by_calls(&c);
      for (const PipelineSchedule& s : prices->schedules_of(c)) {
        const StepPrice p = emitted(prices, c, s);
        EXPECT_GE(p.program.step_s, c.bound_s * (1 - 1e-9)) << to_string(p.degrees);
        EXPECT_GE(static_cast<double>(p.program.memory_bytes_max), c.memory_bytes * (1 - 1e-9))
            << to_string(p.degrees);
      }
    }
    return bounded;
  }

  graph::SignatureTable signatures_;
  RecordedStep step_;
  cluster::Cluster cluster_;
};

// Micro-batches that others have as well, weights that others have as well; among more ranks than
// there are devices too, which no link joins.
TEST_F(PlanPricesTest, CallsOfOtherPlansTellThoseOfAPlan) {
  use({.layers = 12, .batch = 64, .width = 96, .hidden = 384});
  for (const cluster::Cluster& cluster :
       {h100(8), processors(2), processors(4), beside(h100(8)), beside(slow_links(8))}) {
    PlanPrices prices = this->prices(cluster);
    EXPECT_GT(compare(&prices), 50u) << cluster.name << ", " << cluster.devices();
  }
}

TEST_F(PlanPricesTest, CountsSideBySideAreThoseOfOneAfterTheOther) {
  use({.layers = 8, .batch = 16384, .width = 512, .hidden = 2048});
  PlanPrices beside = prices(h100(8)), alone = prices(h100(8));
  std::vector<PlanPrices::Uncounted> some;
  std::vector<Candidate> counted;
  alone.candidates();
  for (const Candidate& c : beside.candidates()) {
    const auto next = beside.uncounted_rows(c);
    const auto same = [&](const auto& u) { return beside.is_same(u, *next); };
    if (!next || some.size() == 4 || std::ranges::any_of(some, same)) continue;
    some.push_back(*next);
    counted.push_back(c);
  }
  ASSERT_EQ(some.size(), 4u);
  std::vector<PlanPrices::Uncounted> others;
  for (const Candidate& c : counted) others.push_back(*alone.uncounted_rows(c));
  beside.count_beside(some, 2);
  for (const PlanPrices::Uncounted& u : others) alone.count_beside({u}, 1);
  for (const Candidate& c : counted) {
    EXPECT_FALSE(beside.uncounted_rows(c)) << to_string(c.degrees);
    Candidate a = c, b = c;
    EXPECT_TRUE(beside.set_bound_by_rows(&a));
    EXPECT_TRUE(alone.set_bound_by_rows(&b));
    EXPECT_GT(a.bound_s, c.bound_s);
    EXPECT_EQ(a.bound_s, b.bound_s) << to_string(c.degrees);
  }
}

TEST_F(PlanPricesTest, MeasuredCallsAreCountedForEachPlan) {
  use({.layers = 12, .batch = 64, .width = 96, .hidden = 384});
  PlanPrices prices = this->prices(measured(4));
  EXPECT_EQ(compare(&prices), 0u);
}

// Large ones, of which calls take more than a launch.
TEST_F(PlanPricesTest, MicrobatchesOfMoreRowsBoundThoseOfFewer) {
  use({.layers = 8, .batch = 16384, .width = 512, .hidden = 2048});
  for (const cluster::Cluster& cluster :
       {h100(8), processors(2), beside(h100(8)), beside(slow_links(8))}) {
    PlanPrices prices = this->prices(cluster);
    EXPECT_GT(bound(&prices), 50u) << cluster.name;
  }
}

// Sequences that are shared, and micro-batches of a single row.
TEST_F(PlanPricesTest, BoundsOfRecordedStepsAreNotAbovePrices) {
  for (const char* name : {"bert", "llama"}) {
    use_recorded(name);
    for (const cluster::Cluster& cluster :
         {processors(4), beside(processors(4)), beside(slow_links(4))}) {
      PlanPrices prices = this->prices(cluster);
      EXPECT_GT(bound(&prices), 10u) << name;
    }
  }
}

TEST_F(PlanPricesTest, BoundsOfMeasuredCallsAreNotAbovePrices) {
  use({.layers = 8, .batch = 64, .width = 96, .hidden = 384});
  PlanPrices prices = this->prices(measured(4));
  EXPECT_EQ(bound(&prices), 0u);
}

// As a large window is, without a look at all programs.
TEST_F(PlanPricesTest, ASearchFindsTheLeastPriceOfAll) {
  use({.layers = 12, .batch = 64, .width = 96, .hidden = 384});
  for (const cluster::Cluster& cluster :
       {processors(2), measured(4), h100(4), beside(measured(4)), beside(slow_links(4))}) {
    PlanPrices prices = this->prices(cluster);
    double least = std::numeric_limits<double>::infinity();
    for (const Candidate& c : prices.candidates()) {
      for (const PipelineSchedule& s : prices.schedules_of(c)) {
        least = std::min(least, emitted(&prices, c, s).program.step_s);
      }
    }
    const auto found = search_plan(
        {.step = &step_, .cluster = &cluster_, .signatures = &signatures_, .whole_nodes_max = 0});
    ASSERT_TRUE(found.ok()) << found.status().to_string();
    EXPECT_NEAR(found->best.price.step_s / least, 1, 0.01) << to_string(found->best.degrees);
    for (const FoundPlan& p : found->alternatives) {
      EXPECT_GE(p.price.step_s, found->best.price.step_s) << to_string(p.degrees);
    }
  }
}

}  // namespace
}  // namespace moai::compiler
