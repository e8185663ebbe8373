#include "moai/compiler/search/search_plan.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <cstdio>

#include "moai/base/file.h"
#include "moai/cluster/cluster_file.h"
#include "moai/compiler/planner/choose_plan.h"
#include "moai/compiler/search/plan_prices.h"
#include "moai/compiler/sharding/skipped_region.h"
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
    cluster_.device.overlaps_exchanges = overlaps_;
    return {.step = &step_, .cluster = &cluster_, .signatures = &signatures_, .pins = pins};
  }
  SearchResult search(const SearchProblem& p) {
    auto found = search_plan(p);
    EXPECT_TRUE(found.ok()) << found.status().to_string();
    return found.ok() ? std::move(*found) : SearchResult{};
  }

  static StepPrice price(PlanPrices* prices, const Candidate& c, const PipelineSchedule& s) {
    const auto counted = prices->count_emitted(c);
    EXPECT_TRUE(counted.has_value()) << to_string(c.degrees);
    const auto price = counted ? prices->price(c, *counted, s) : std::nullopt;
    EXPECT_TRUE(price.has_value()) << to_string(c.degrees);
    return price ? price->step : StepPrice{};
  }

  // One stage, all of a batch at once, nothing made again.
  static constexpr Pins kPlain{.pp = 1, .microbatches = 1, .recompute = Recompute::kNone};

  graph::SignatureTable signatures_;
  RecordedStep step_;
  cluster::Cluster cluster_;
  bool overlaps_ = false;  // what the next problem's devices do
};

// Exchanges in line with calls, and beside them.
class SearchBothWays : public SearchPlan, public ::testing::WithParamInterface<bool> {
 protected:
  SearchBothWays() { overlaps_ = GetParam(); }
};

TEST_P(SearchBothWays, FindsWhatPricingEveryPlanFinds) {
  for (const char* name : {"mlp", "cnn", "gpt5"}) {
    use_recorded(name);
    for (const int devices : {3, 8}) {
      const SearchResult found = search(problem(devices, kPlain));
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

// Of three layers the price of twelve follows. What goes in bundles may be told two bundles of each
// kind (weights forward, backward, gradients) a layer too many: those of few layers are small.
TEST_P(SearchBothWays, PricesOfFewLayersTellThatOfAll) {
  use_deep({.layers = 12, .lists = true, .batch = 64, .width = 96, .hidden = 384});
  problem(8);
  PlanPrices prices(step_, cluster_, kPlain, {}, 1e12, &signatures_);
  EXPECT_EQ(prices.line().layers(), 12u);
  EXPECT_EQ(prices.line().layers_kept(), 3u);
  for (Candidate c : prices.candidates()) {
    prices.set_bound(&c);
    const StepPrice few = price(&prices, c, {});
    const StepPrice all = prices.price_whole(c.degrees).price.step;
    const double step_s = few.program.step_s;
    const cost::AxisTraffic& sharing = all.program.axes[0];
    const bool bundled = c.degrees.zero != 0 || overlaps_;
    const double bundle_s = !bundled || sharing.collectives == 0
                                ? 0
                                : sharing.seconds / static_cast<double>(sharing.collectives);
    EXPECT_NEAR(step_s, all.program.step_s, 0.08 * all.program.step_s + 2 * 3 * 9 * bundle_s)
        << to_string(c.degrees);
    EXPECT_GE(step_s, c.bound_s) << to_string(c.degrees);
    const auto bytes = static_cast<double>(all.program.memory_bytes_max);
    // Weights gathered in other bundles, of which two lie there where one is gathered ahead.
    const double off = c.degrees.zero != 3 ? 0.3 : overlaps_ ? 0.4 : 0.31;
    EXPECT_NEAR(static_cast<double>(few.program.memory_bytes_max), bytes, off * bytes)
        << to_string(c.degrees);
  }
}

// In another stack: sums of gradients run beside the passes, but for those of the last layer.
TEST_F(SearchPlan, ExchangesThatOverlapShowInPart) {
  use_deep({.layers = 12, .batch = 4096, .width = 512, .hidden = 2048});
  SearchProblem p = problem(8, {.dp = 8, .zero = 0, .microbatches = 2});
  const PlanPrice in_line = search(p).best.price;
  p.options.overlap.data = true;
  const SearchResult beside = search(p);
  EXPECT_LT(beside.best.price.step_s, in_line.step_s);
  EXPECT_LT(beside.best.price.exchange_s, in_line.exchange_s);
  EXPECT_GE(beside.best.price.exchange_s, in_line.exchange_s / 12);
  EXPECT_LE(beside.lower_bound_s, beside.best.price.step_s);
}

// Links that are so slow that exchanges take as long as calls, about: where they hide beside calls
// another plan is best, and its price is that of its programs.
TEST_F(SearchPlan, WhereExchangesHideAnotherPlanIsBest) {
  use_deep({.layers = 4, .batch = 8192, .width = 512, .hidden = 2048});
  const SearchProblem p = problem(8, kPlain);
  cluster_.measured.clear();
  cluster_.node_link.bytes_per_s /= 8;
  const SearchResult in_line = search(p);
  cluster_.device.overlaps_exchanges = true;
  const SearchResult beside = search(p);
  EXPECT_NE(beside.best.degrees, in_line.best.degrees);
  EXPECT_LT(beside.best.price.step_s, in_line.best.price.step_s);
  const PlannedWindow planned =
      WindowPlanner(step_.window, {.uploaded = step_.uploaded, .overlaps = true}, &signatures_)
          .plan(beside.best.degrees);
  const StepPrice emitted =
      price_step(step_, planned, beside.best.degrees, cluster_, {}, &signatures_);
  EXPECT_EQ(beside.best.price.step_s, emitted.program.step_s);
  EXPECT_EQ(beside.best.price.exchange_s, emitted.slices.exchange_s);
  const auto every = choose_plan(step_, cluster_, kPlain, {}, &signatures_);
  ASSERT_TRUE(every.ok()) << every.status().to_string();
  EXPECT_EQ(every->plans[0].degrees, beside.best.degrees);
  for (const StepPrice& plan : every->plans) {
    EXPECT_GE(plan.program.step_s, beside.lower_bound_s) << to_string(plan.degrees);
  }
}

// What another stack overlaps is its own, whatever the devices are.
TEST_F(SearchPlan, AProfileSaysWhatOverlaps) {
  use_deep({.layers = 12, .batch = 4096, .width = 512, .hidden = 2048});
  SearchProblem p = problem(8, {.dp = 8, .zero = 0, .microbatches = 2});
  p.options.overlap.data = true;
  const PlanPrice of_stack = search(p).best.price;
  cluster_.device.overlaps_exchanges = true;
  EXPECT_EQ(search(p).best.price.step_s, of_stack.step_s);
}

// Other batches and widths of the same calls, as large windows are searched and as small ones.
TEST_F(SearchPlan, OneThatBeginsWithThePlansOfOtherSizesFindsTheSame) {
  const DeepWindow wide{.layers = 12, .batch = 4096, .width = 512, .hidden = 2048};
  for (const size_t nodes : {0, 6000}) {
    use_deep(wide);
    const CachedSearch known = to_cached(search(problem(8)));
    EXPECT_EQ(known.rows, 4096);
    for (const DeepWindow& d :
         {DeepWindow{12, false, 8192, 512, 2048}, DeepWindow{12, false, 384, 512, 2048},
          DeepWindow{12, true, 4096, 1024, 4096}}) {
      use_deep(d);
      SearchProblem p = problem(8);
      p.whole_nodes_max = nodes;
      const SearchResult cold = search(p);
      EXPECT_FALSE(cold.begun_with);
      p.known = &known;
      const SearchResult begun = search(p);
      EXPECT_EQ(begun.begun_with, known.plans[0].degrees);
      const double step_s = cold.best.price.step_s;
      EXPECT_NEAR(begun.best.price.step_s, step_s, 0.01 * step_s) << to_string(cold.best.degrees);
      EXPECT_NEAR(begun.lower_bound_s, cold.lower_bound_s, 0.02 * step_s);
      EXPECT_GE(begun.alternatives.size(), cold.alternatives.size());
      EXPECT_EQ(begun.candidates, cold.candidates);
    }
  }
}

TEST_F(SearchPlan, AnyNumberOfThreadsFindsTheSame) {
  use_deep({.layers = 24, .batch = 512, .width = 512, .hidden = 2048});
  SearchProblem p = problem(64);
  p.threads = 1;
  const SearchResult alone = search(p);
  ASSERT_FALSE(alone.alternatives.empty());
  for (const int threads : {2, 5}) {
    p.threads = threads;
    const SearchResult found = search(p);
    EXPECT_EQ(found.best.degrees, alone.best.degrees);
    EXPECT_EQ(found.best.price.step_s, alone.best.price.step_s);
    EXPECT_EQ(found.lower_bound_s, alone.lower_bound_s);
    EXPECT_EQ(found.priced, alone.priced);
    ASSERT_EQ(found.alternatives.size(), alone.alternatives.size());
    for (size_t i = 0; i < alone.alternatives.size(); ++i) {
      EXPECT_EQ(found.alternatives[i].degrees, alone.alternatives[i].degrees);
      EXPECT_EQ(found.alternatives[i].price.step_s, alone.alternatives[i].price.step_s);
    }
  }
}

TEST_F(SearchPlan, PlansThatTheStepDoesNotHaveAreNoBeginning) {
  use_deep({.layers = 12, .batch = 64, .width = 96, .hidden = 384});
  const CachedSearch known{.plans = {{.degrees = {.dp = 3}}, {.degrees = {.dp = 2, .tp = 3}}}};
  SearchProblem p = problem(8);
  const Degrees best = search(p).best.degrees;
  p.known = &known;
  const SearchResult found = search(p);
  EXPECT_FALSE(found.begun_with);
  EXPECT_EQ(found.best.degrees, best);
}

TEST_F(SearchPlan, LessMemoryNeedsAnotherPlan) {
  use_deep({.layers = 12, .batch = 20000, .width = 1024, .hidden = 4096});
  SearchProblem p = problem(4);
  const SearchResult ample = search(p);
  p.memory_bytes = 0.9 * ample.best.price.memory_bytes;
  const SearchResult tight = search(p);
  EXPECT_LE(tight.best.price.memory_bytes, p.memory_bytes);
  EXPECT_GT(tight.best.price.step_s, ample.best.price.step_s);
  EXPECT_EQ(tight.best.degrees.ranks(), 4);
  p.memory_bytes = 1e4;
  const auto none = search_plan(p);
  EXPECT_EQ(none.status().code(), Code::kResourceExhausted);
  EXPECT_THAT(none.status().message(), HasSubstr("needs the least memory"));
}

// What few calls tell may be too few bytes: the chosen plan is looked at as all of its programs.
TEST_F(SearchPlan, APlanThatDoesNotFitAsAllItsProgramsIsGivenUp) {
  use_deep({.layers = 12, .batch = 64, .width = 96, .hidden = 384});
  SearchProblem p = problem(4);
  const Degrees first = search(p).best.degrees;
  p.mistake = [&](const Degrees& d, PlanPrice* price) {
    if (d == first) price->memory_bytes = 1e15;
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
  const SearchResult found = search(problem(8, kPlain));
  size_t whole = found.best.degrees.dp == 8 && found.best.degrees.zero == 0 ? 1 : 0;
  for (const FoundPlan& p : found.alternatives) {
    whole += p.degrees.dp == 8 && p.degrees.zero == 0 ? 1 : 0;
  }
  EXPECT_LE(whole, 1u);
  EXPECT_EQ(search_plan(problem(8, {.dp = 3})).status().code(), Code::kInvalidArgument);
}

// What may be skipped comes behind all micro-batches, on every stage.
TEST_F(SearchPlan, WhatHasNoWeightsIsPlannedHoweverLong) {
  std::string text;
  for (int i = 1; i <= 100; ++i) {
    const std::string from = std::to_string(i), to = std::to_string(i + 1);
    text += "s" + to + " = aten::relu(f32[64,1024] s" + from + ") -> f32[64,1024]\n";
    text += "free s" + from + "\n";
  }
  const auto window = graph::parse(text, &signatures_);
  ASSERT_TRUE(window.ok()) << window.status().to_string();
  step_ = {.window = *window, .older = {{1, 64 * 1024 * 4}}};
  SearchProblem long_one = problem(8);
  for (const size_t whole : {size_t{6000}, size_t{10}}) {
    long_one.whole_nodes_max = whole;
    EXPECT_EQ(search(long_one).best.degrees.ranks(), 8) << whole;
  }
}

TEST_F(SearchPlan, StepsUnderAGradientScalerMayHaveStagesAndMicroBatches) {
  use_recorded("accumulation");
  problem(2);
  PlanPrices prices(step_, cluster_, {}, {}, 1e12, &signatures_);
  EXPECT_TRUE(prices.line().divides());
  size_t in_parts = 0, staged = 0;
  for (const Candidate& c : prices.candidates()) {
    in_parts += c.degrees.microbatches > 1 ? 1 : 0;
    staged += c.degrees.pp > 1 ? 1 : 0;
    EXPECT_TRUE(prices.count_emitted(c).has_value()) << to_string(c.degrees);
    if (c.degrees.zero > 0 || c.degrees.microbatches == 1) continue;
    const double step = price(&prices, c, {}).program.step_s;
    const double all = prices.price_whole(c.degrees).price.step.program.step_s;
    EXPECT_NEAR(step / all, 1, 0.2) << to_string(c.degrees);
  }
  EXPECT_GT(in_parts, 0u);
  EXPECT_GT(staged, 0u);
  graph::Window half = step_.window;
  half.nodes.resize(half.nodes.size() * 9 / 10);
  ASSERT_TRUE(cuts_region(half, signatures_)) << "one that ends in another window";
  step_.window = half;
  EXPECT_FALSE(ModelLine(step_, &signatures_).divides());
}

// What a plan costs by one micro-batch and the schedule is what its emitted programs cost.
class SearchPrices : public SearchBothWays {
 protected:
  void compare(PlanPrices* prices, const Degrees& d) {
    for (Candidate c : prices->candidates()) {
      Degrees of_candidate = d;
      of_candidate.schedule = {};
      if (c.degrees != of_candidate) continue;
      prices->set_bound(&c);
      const StepPrice few = price(prices, c, d.schedule);
      ASSERT_EQ(few.degrees, d);
      const StepPrice all = prices->price_whole(d).price.step;
      const double step = few.program.step_s / all.program.step_s - 1;
      const double memory = static_cast<double>(few.program.memory_bytes_max) /
                                static_cast<double>(all.program.memory_bytes_max) -
                            1;
      EXPECT_LE(c.bound_s, all.program.step_s * 1.0001) << to_string(d);
      SCOPED_TRACE(to_string(d));
      // Cuts through layers of few calls send many small messages, which are counted by bytes.
      EXPECT_NEAR(step, 0, d.pp > 2 ? 0.3 : 0.1);
      // Two parts a stage are not full at once where micro-batches are few.
      EXPECT_GE(memory, -0.12);
      EXPECT_LE(memory, d.schedule.chunks > 1 ? 0.5 : 0.25);
      if (print_) {
        std::printf("%-44s step %+6.1f %%  memory %+6.1f %%  (%.0f us, %.0f KB)\n",
                    to_string(d).c_str(), 100 * step, 100 * memory, 1e6 * all.program.step_s,
                    static_cast<double>(all.program.memory_bytes_max) / 1e3);
      }
    }
  }

  bool print_ = testing::GTEST_FLAG(filter) == "*SearchPrices.*";  // asked for alone
};

TEST_P(SearchPrices, AreThoseOfTheEmittedPrograms) {
  const auto schedule = [](const char* text) { return schedule_from_string(text).value(); };
  for (const char* name : {"gpt5", "llama"}) {
    use_recorded(name);
    problem(4);
    std::vector<Degrees> all;
    for (const Degrees& mesh : std::vector<Degrees>{{.dp = 4},
                                                    {.dp = 2, .tp = 2},
                                                    {.dp = 4, .zero = 1},
                                                    {.dp = 4, .zero = 2},
                                                    {.dp = 4, .zero = 3},
                                                    {.dp = 2, .pp = 2},
                                                    {.dp = 2, .zero = 2, .pp = 2},
                                                    {.tp = 2, .pp = 2},
                                                    {.pp = 4}}) {
      for (const int m : {1, 2, 4}) {
        for (const Recompute r : {Recompute::kNone, Recompute::kFull}) {
          Degrees d = mesh;
          d.microbatches = m;
          d.recompute = r;
          all.push_back(d);
          if (d.pp != 2 || m == 1) continue;
          for (const char* s : {"zb", "interleaved:2"}) {
            d.schedule = schedule(s);
            all.push_back(d);
          }
        }
      }
    }
    for (const Degrees& d : all) {
      PlanPrices prices(step_, cluster_, pins_of(d), {}, 1e12, &signatures_);
      if (prices.line().batch() % (d.dp * d.microbatches) != 0) continue;
      compare(&prices, d);
    }
  }
}

const auto kBothWays = [](const auto& info) { return info.param ? "Beside" : "InLine"; };
INSTANTIATE_TEST_SUITE_P(Exchanges, SearchBothWays, testing::Bool(), kBothWays);
INSTANTIATE_TEST_SUITE_P(Exchanges, SearchPrices, testing::Bool(), kBothWays);

}  // namespace
}  // namespace moai::compiler
