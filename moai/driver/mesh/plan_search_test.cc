#include "moai/driver/mesh/plan_search.h"

#include <gmock/gmock.h>

#include <algorithm>

#include "moai/base/file.h"
#include "moai/cluster/cpu_node.h"
#include "moai/graph/recording.h"

namespace moai::driver {
namespace {

using compiler::CachedPlan;
using compiler::Degrees;

class PlanSearchTest : public testing::Test {
 protected:
  PlanSearchTest() {
    const auto text = read_file(MOAI_SOURCE "/tests/golden/windows/gpt.txt");
    const auto recording = graph::parse_recording(text.ok() ? *text : "?", &signatures_);
    EXPECT_TRUE(recording.ok()) << recording.status().to_string();
    step_ = compiler::training_step(*recording, signatures_).value();
  }
  SearchOrder order(const Degrees& now) {
    return {.step = step_to_plan(step_.window, signatures_, step_.uploaded, step_.older),
            .now = now,
            .cluster = cluster_};
  }
  Finding find(SearchOrder order) {
    PlanSearch search;
    search.start(std::move(order));
    search.end();
    auto found = search.take();
    EXPECT_TRUE(found && found->status.ok()) << found->status.to_string();
    return *found;
  }
  static CachedPlan of(const Finding& f, const Degrees& d) {
    const auto at = std::ranges::find(f.search.plans, d, &CachedPlan::degrees);
    EXPECT_NE(at, f.search.plans.end()) << to_string(d);
    return at == f.search.plans.end() ? CachedPlan{} : *at;
  }

  graph::SignatureTable signatures_;
  compiler::RecordedStep step_;
  cluster::Cluster cluster_ = cluster::cpu_node(4, int64_t{1} << 32, 4);
};

constexpr Degrees kData{.dp = 4}, kDear{.tp = 2, .pp = 2, .recompute = compiler::Recompute::kFull};

// Whatever the search itself would have thought of it.
TEST_F(PlanSearchTest, ThePlanOfTheJobIsPricedBestFirst) {
  for (const Degrees& now : {kData, kDear}) {
    const Finding found = find(order(now));
    EXPECT_GT(of(found, now).step_s, 0);
    EXPECT_TRUE(std::ranges::is_sorted(found.search.plans, {}, &CachedPlan::step_s));
  }
}

TEST_F(PlanSearchTest, APlanThatIsKnownToFitFits) {
  const double bytes = of(find(order(kData)), kData).memory_bytes;
  cluster_.device.memory_bytes = static_cast<int64_t>(0.99 * bytes);
  EXPECT_FALSE(of(find(order(kData)), kData).fits);
  SearchOrder known = order(kData);
  known.now_fits = true;
  EXPECT_TRUE(of(find(std::move(known)), kData).fits);
}

TEST_F(PlanSearchTest, WhatIsPinnedStays) {
  SearchOrder pinned = order(kDear);
  pinned.pins = {.pp = 2, .microbatches = 1};
  for (const CachedPlan& p : find(std::move(pinned)).search.plans) {
    EXPECT_EQ(p.degrees.pp, 2) << to_string(p.degrees);
    EXPECT_EQ(p.degrees.microbatches, 1) << to_string(p.degrees);
  }
}

}  // namespace
}  // namespace moai::driver
