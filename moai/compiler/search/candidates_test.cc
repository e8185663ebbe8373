#include "moai/compiler/search/candidates.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <utility>

#include "moai/cluster/cluster_file.h"
#include "moai/compiler/testing/deep_window.h"

namespace moai::compiler {
namespace {

class Candidates : public testing::Test {
 protected:
  Candidates() {
    const auto window = graph::parse(
        deep_window({.layers = 8, .batch = 24, .width = 96, .hidden = 384}), &signatures_);
    step_ = training_step({.windows = {{.window = *window}}}, signatures_).value();
    line_ = std::make_unique<ModelLine>(step_, &signatures_);
    cluster_ = cluster::load_cluster({std::string(MOAI_CLUSTERS) + "/h100-dgx.toml", 8}).value();
    bound_ = std::make_unique<WorkBound>(line_.get(), &cluster_, PriceOptions{});
  }
  std::vector<Candidate> all(const Pins& pins) {
    return every_candidate(*line_, bound_.get(), 8, pins);
  }

  graph::SignatureTable signatures_;
  RecordedStep step_;
  cluster::Cluster cluster_;
  std::unique_ptr<ModelLine> line_;
  std::unique_ptr<WorkBound> bound_;
};

TEST_F(Candidates, TheLineOfFewLayersStandsForAll) {
  EXPECT_EQ(line_->layers(), 8u);
  EXPECT_EQ(line_->layers_kept(), 3u);
  EXPECT_EQ(line_->places(), 7u) << "two weights a layer, and the head's";
  EXPECT_EQ(line_->order().size(), 17u);
  EXPECT_EQ(line_->batch(), 24);
  EXPECT_TRUE(line_->divides());
  const auto& parts = line_->cut(2);
  EXPECT_TRUE(std::ranges::is_sorted(parts));
  EXPECT_EQ(parts.back(), 1u);
}

TEST_F(Candidates, MicroBatchesDivideTheBatchOfEachRank) {
  const auto found = all({.dp = 4, .zero = 0});
  ASSERT_FALSE(found.empty());
  for (const Candidate& c : found) {
    EXPECT_EQ(c.degrees.ranks(), 8);
    EXPECT_EQ(6 % c.degrees.microbatches, 0) << to_string(c.degrees);
    EXPECT_EQ(c.microbatches, c.degrees.microbatches);
  }
  const auto has = [&](int pp, int m, Recompute r) {
    return std::ranges::any_of(found, [&](const Candidate& c) {
      return c.degrees.pp == pp && c.degrees.microbatches == m && c.degrees.recompute == r;
    });
  };
  EXPECT_TRUE(has(2, 6, Recompute::kFull));
  EXPECT_TRUE(has(1, 3, Recompute::kSelective));
}

// Of a pinned number the nearest that divides the batch runs.
TEST_F(Candidates, PinsLeaveNoChoice) {
  const auto found = all({.tp = 1, .pp = 2, .microbatches = 5, .recompute = Recompute::kNone});
  EXPECT_EQ(found.size(), 4u) << "zero";
  for (const Candidate& c : found) {
    EXPECT_EQ(c.degrees.microbatches, 5);
    EXPECT_EQ(c.microbatches, 6);
  }
  EXPECT_TRUE(all({.dp = 3}).empty());
  const Degrees d{.dp = 4, .pp = 2, .microbatches = 6};
  EXPECT_EQ(schedules(d, {.schedule = schedule_from_string("zb")}, 17).size(), 1u);
  EXPECT_GT(schedules(d, {}, 17).size(), 3u);
}

TEST(LeastIdle, IsThatOfTheClosedForms) {
  const Degrees d{.pp = 4};
  EXPECT_DOUBLE_EQ(least_idle(d, 8, {}, 0.3, 0.3), 3.0 / 8);
  const auto interleaved = schedule_from_string("interleaved:3").value();
  EXPECT_DOUBLE_EQ(least_idle(d, 8, interleaved, 0.3, 0.3), 1.0 / 8);
  EXPECT_DOUBLE_EQ(least_idle(d, 1, interleaved, 0.3, 0.3), 3) << "one goes through all parts";
  EXPECT_DOUBLE_EQ(least_idle(d, 8, schedule_from_string("zb").value(), 0.25, 0.5), 1.5 / 8);
}

TEST_F(Candidates, AreFoundByDegreesWithMicroBatchesAsNearAsThereAre) {
  const std::vector<Candidate> all = this->all({});
  const Degrees d{.dp = 2, .tp = 2, .zero = 1, .pp = 2, .microbatches = 2};
  const auto count = [&](double scale) {
    const auto at = find_like(all, d, scale);
    EXPECT_TRUE(at.has_value());
    Degrees found = at ? all[*at].degrees : Degrees{};
    const int count = std::exchange(found.microbatches, 2);
    EXPECT_EQ(found, d);
    return count;
  };
  EXPECT_EQ(count(1), 2);
  EXPECT_EQ(count(2), 4);
  EXPECT_EQ(count(5), 12) << "of 24 rows two ranks have 12";
  EXPECT_EQ(count(0.1), 1);
  EXPECT_FALSE(find_like(all, {.dp = 3}, 1));
}

}  // namespace
}  // namespace moai::compiler
