#include "moai/compiler/search/search_plan.h"

#include <gmock/gmock.h>

#include <algorithm>

#include "moai/base/file.h"
#include "moai/cluster/cluster_file.h"
#include "moai/compiler/search/search_step.h"
#include "moai/compiler/testing/deep_window.h"

namespace moai::compiler {
namespace {

using testing::HasSubstr;

class SearchPlan : public testing::Test {
 protected:
  // A recorded step, or the one of a deep model.
  void use_recorded(const std::string& name) {
    const auto text = read_file(MOAI_SOURCE "/tests/golden/windows/" + name + ".txt");
    const auto recording = graph::parse_recording(text.ok() ? *text : "?", &signatures_);
    ASSERT_TRUE(recording.ok()) << recording.status().to_string();
    step_ = training_step(*recording, signatures_).value();
  }
  void use_deep(const DeepWindow& d) {
    const auto window = graph::parse(deep_window(d), &signatures_);
    ASSERT_TRUE(window.ok()) << window.status().to_string();
    const auto step = training_step({.windows = {{.window = *window}}}, signatures_);
    ASSERT_TRUE(step.ok()) << step.status().to_string();
    step_ = *step;
  }
  SearchProblem problem(int devices, const Pins& pins = {}) {
    cluster_ =
        cluster::load_cluster({std::string(MOAI_CLUSTERS) + "/h100-dgx.toml", devices}).value();
    return search_problem(step_, cluster_, pins, {}, &signatures_);
  }
  SearchResult search(const SearchProblem& p) {
    auto found = search_plan(p);
    EXPECT_TRUE(found.ok()) << found.status().to_string();
    return found.ok() ? std::move(*found) : SearchResult{};
  }

  graph::SignatureTable signatures_;
  RecordedStep step_;
  cluster::Cluster cluster_;
};

TEST_F(SearchPlan, FindsWhatPricingEveryPlanFinds) {
  for (const char* name : {"mlp", "cnn", "gpt5"}) {
    use_recorded(name);
    for (const int devices : {3, 8}) {
      const SearchResult found = search(problem(devices));
      const auto every = choose_plan(step_, cluster_, {}, {}, &signatures_);
      ASSERT_TRUE(every.ok()) << every.status().to_string();
      const double least = every->plans[0].program.step_s;
      EXPECT_NEAR(found.best.price.step_s, least, 1e-9 * least)
          << name << " on " << devices << ": " << to_string(found.best.degrees);
      for (const StepPrice& p : every->plans) {
        EXPECT_GE(p.program.step_s, found.lower_bound_s) << name << ", " << to_string(p.degrees);
      }
    }
  }
}

// Bytes may be too few: another call may be the fullest with more layers. What goes in bundles may
// be told two bundles of each kind (weights forward, backward, gradients) a layer too many or too
// few.
TEST_F(SearchPlan, PricesOfFewLayersTellThatOfAll) {
  use_deep({.layers = 12, .lists = true, .batch = 64, .width = 96, .hidden = 384});
  const SearchResult found = search(problem(8));
  EXPECT_EQ(found.layers, 12u);
  EXPECT_EQ(found.layers_priced, 3u);
  std::vector<FoundPlan> plans = found.alternatives;
  plans.push_back(found.best);
  WindowPlanner whole(step_.window, step_.uploaded, 1, &signatures_);
  for (const FoundPlan& p : plans) {
    const PlannedWindow planned = whole.plan(p.degrees);
    const StepPrice price = price_step(step_, planned, p.degrees, cluster_, {}, &signatures_);
    const cost::AxisTraffic& sharing = price.program.axes[0];
    const double bundle_s = p.degrees.zero == 0 || sharing.collectives == 0
                                ? 0
                                : sharing.seconds / static_cast<double>(sharing.collectives);
    EXPECT_NEAR(p.price.step_s, price.program.step_s, 1e-9 + 2 * 3 * 9 * bundle_s)
        << to_string(p.degrees);
    const auto bytes = static_cast<double>(price.program.memory_bytes_max);
    EXPECT_LE(p.price.memory_bytes, bytes) << to_string(p.degrees);
    EXPECT_GE(p.price.memory_bytes, 0.8 * bytes) << to_string(p.degrees);
    EXPECT_GE(p.price.step_s, p.lower_bound_s) << to_string(p.degrees);
  }
}

TEST_F(SearchPlan, LessMemoryNeedsAnotherPlan) {
  use_deep({.layers = 12, .batch = 20000, .width = 1024, .hidden = 4096});
  SearchProblem p = problem(4);
  const SearchResult ample = search(p);
  p.memory_bytes = 0.9 * ample.best.price.memory_bytes;
  const SearchResult tight = search(p);
  EXPECT_LE(tight.best.price.memory_bytes, p.memory_bytes);
  EXPECT_GT(tight.best.price.step_s, ample.best.price.step_s);
  EXPECT_EQ(tight.planned.program.mesh.ranks(), 4);
  p.memory_bytes = 1e4;
  const auto none = search_plan(p);
  EXPECT_EQ(none.status().code(), Code::kResourceExhausted);
  EXPECT_THAT(none.status().message(), HasSubstr("needs the least memory"));
}

// Bytes that two windows tell may be too few: the chosen plan is looked at with all layers.
TEST_F(SearchPlan, APlanThatDoesNotFitWithAllLayersIsGivenUp) {
  use_deep({.layers = 12, .batch = 64, .width = 96, .hidden = 384});
  SearchProblem p = problem(4);
  const Degrees first = search(p).best.degrees;
  const PricePlan exact = p.price;
  p.price = [&](const PlannedWindow& w, const Degrees& d, const auto& absent) {
    PlanPrice price = exact(w, d, absent);
    if (absent.empty() && d == first) price.memory_bytes = 2 * p.memory_bytes;
    return price;
  };
  const SearchResult found = search(p);
  EXPECT_NE(found.best.degrees, first);
  EXPECT_TRUE(found.best.fits);
}

TEST_F(SearchPlan, AlternativesSayWhyNot) {
  use_recorded("gpt5");
  const SearchResult found = search(problem(8));
  ASSERT_EQ(found.alternatives.size(), 5u);
  for (const FoundPlan& p : found.alternatives) {
    EXPECT_GE(p.price.step_s, found.best.price.step_s);
    EXPECT_THAT(p.why_not, HasSubstr("% of a step: exchanges")) << to_string(p.degrees);
  }
  EXPECT_LE(found.priced, found.candidates);
}

// Seven rows and a hidden width of ten: what eight ranks cannot share runs whole, once.
TEST_F(SearchPlan, DegreesThatSplitNothingAreOneCandidate) {
  use_recorded("mlp");
  const SearchResult found = search(problem(8));
  size_t whole = found.best.degrees.dp == 8 && found.best.degrees.zero == 0 ? 1 : 0;
  for (const FoundPlan& p : found.alternatives) {
    whole += p.degrees.dp == 8 && p.degrees.zero == 0 ? 1 : 0;
  }
  EXPECT_LE(whole, 1u);
  EXPECT_EQ(search_plan(problem(8, {.dp = 3})).status().code(), Code::kInvalidArgument);
}

}  // namespace
}  // namespace moai::compiler
