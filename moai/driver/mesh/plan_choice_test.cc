// The choice for a recorded training step on four devices, of which one shares its batch badly.
#include "moai/driver/mesh/plan_choice.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <chrono>
#include <thread>

#include "moai/base/file.h"
#include "moai/base/testing/temporary_directory.h"
#include "moai/cluster/cpu_node.h"
#include "moai/compiler/search/window_shape.h"
#include "moai/graph/recording.h"

namespace moai::driver {
namespace {

using compiler::CachedPlan;
using compiler::Degrees;
using testing::HasSubstr;

class PlanChoiceTest : public testing::Test {
 protected:
  PlanChoiceTest() {
    const auto text = read_file(MOAI_SOURCE "/tests/golden/windows/gpt.txt");
    const auto recording = graph::parse_recording(text.ok() ? *text : "?", &signatures_);
    EXPECT_TRUE(recording.ok()) << recording.status().to_string();
    const auto step = compiler::training_step(*recording, signatures_);
    EXPECT_TRUE(step.ok()) << step.status().to_string();
    window_ = step->window;
    for (const auto& [id, bytes] : step->older) storages_.made(id, bytes);
    for (const StorageId id : step->uploaded) {
      const uint64_t bytes = storages_.state(id)->bytes;
      storages_.hold(id, std::string(bytes, 'x'));
    }
    plan_.trains = true;
    plan_.id = 3;
    plan_.runs = 1;
    plan_.degrees = {.dp = 4};
    options_ = {.schedule = plan_schedule_from_string("").value(),
                .ranks = 4,
                .cluster = cluster::cpu_node(4, int64_t{1} << 32, 4),
                .cache_folder = folder_.path() + "/plans",
                .version = "1",
                .quiet = true};
  }
  void begin() {
    auto made = PlanChoice::make(options_);
    ASSERT_TRUE(made.ok()) << made.status().to_string();
    choice_ = std::move(*made);
  }
  auto before(const WindowPlan* known) { return choice_->before(window_, known, signatures_); }
  void run() { choice_->runs(window_, plan_, signatures_, storages_); }
  void wait() {
    for (int i = 0; i < 3000 && how() == "searching"; ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
      before(&plan_);
    }
  }
  std::string key(uint64_t form) const {
    return compiler::plan_key(form, *options_.cluster, {}, "job of 1 from dp4 tp1 zero0");
  }
  // As if an earlier run had found these, best first, for a step so many times as large; with this
  // one, or without.
  void keep(std::vector<CachedPlan> plans, double times = 1, bool with_this = true) {
    const compiler::WindowShape shape = compiler::window_shape(window_, signatures_);
    const uint64_t form = with_this ? graph::window_hash(window_, signatures_) : 7;
    const compiler::CachedSearch search{.plans = std::move(plans),
                                        .family = key(shape.structure),
                                        .elements = times * shape.elements};
    ASSERT_EQ(compiler::PlanCache(options_.cache_folder).keep(key(form), search), ok_status());
  }
  void run_for(int steps, dispatch::TemplateId id) {
    plan_.id = id;
    for (int i = 0; i < steps; ++i) run();
  }
  static CachedPlan price(const Degrees& d, double step_s, bool fits = true) {
    return {.degrees = d, .step_s = step_s, .fits = fits};
  }
  std::string how() const { return choice_->state().how; }

  TemporaryDirectory folder_;
  graph::SignatureTable signatures_;
  graph::Window window_;
  Storages storages_;
  WindowPlan plan_;
  ChoiceOptions options_;
  std::unique_ptr<PlanChoice> choice_;
};

constexpr Degrees kData{.dp = 4}, kTensor{.tp = 4};

TEST_F(PlanChoiceTest, AStepThatComesAgainIsSearchedAndWhatIsFoundIsKept) {
  begin();
  EXPECT_FALSE(before(nullptr)) << "nothing is kept yet";
  EXPECT_EQ(how(), "begun");
  run();
  EXPECT_EQ(how(), "searching");
  wait();
  const session::JobReport::Plan found = choice_->state();
  EXPECT_THAT(found.how, testing::AnyOf("found", "stays"));
  EXPECT_GT(found.candidates, 5u);
  EXPECT_EQ(found.cluster, "cpu-node");
  EXPECT_THAT(found.prices, testing::Contains(testing::Field(
                                &session::JobReport::Plan::Price::degrees, "dp4 tp1 zero0")));
  begin();
  before(nullptr);
  EXPECT_EQ(choice_->state().prices, found.prices) << "the next run has them at once";
}

// Where links are slow, parts of the model that lie still send least.
TEST_F(PlanChoiceTest, StagesAndMicroBatchesAreSearchedUnlessTheyArePinned) {
  options_.cluster->node_link.bytes_per_s = 1e6;
  const auto in_parts = [&] {
    begin();
    run();
    wait();
    return std::ranges::count_if(choice_->state().prices, [](const auto& p) {
      const auto d = compiler::degrees_from_string(p.degrees);
      return d->pp > 1 || d->microbatches > 1 || d->recompute != compiler::Recompute::kNone;
    });
  };
  EXPECT_GT(in_parts(), 0);
  options_.schedule =
      plan_schedule_from_string("pp=1,microbatches=1,recompute=none,schedule=zb").value();
  EXPECT_EQ(in_parts(), 0);
  EXPECT_THAT(choice_->state().prices,
              testing::Contains(
                  testing::Field(&session::JobReport::Plan::Price::degrees, "dp4 tp1 zero0")));
}

TEST_F(PlanChoiceTest, APlanThatIsFasterByAMarginIsTakenUp) {
  keep({price(kTensor, 0.8), price(kData, 1)});
  begin();
  const auto wanted = before(nullptr);
  ASSERT_TRUE(wanted);
  EXPECT_EQ(wanted->degrees, kTensor);
  choice_->step_ended();
  choice_->taken(ok_status());
  EXPECT_TRUE(choice_->settled());
  const session::JobReport::Plan state = choice_->state();
  EXPECT_EQ(state.how, "kept");
  EXPECT_EQ(state.changes, 1u);
  EXPECT_THAT(state.why, HasSubstr("predicted 800 ms a step, dp4 tp1 zero0 1e+03 ms"));
  plan_.degrees = kTensor;
  run();
  EXPECT_EQ(choice_->state().degrees, "dp1 tp4 zero0");
}

TEST_F(PlanChoiceTest, OneThatIsLittleFasterOrTheSameIsNot) {
  keep({price(kTensor, 0.9), price(kData, 1)});
  begin();
  EXPECT_FALSE(before(nullptr));
  EXPECT_EQ(how(), "stays");
  EXPECT_THAT(choice_->state().why, HasSubstr("which is not faster by 15 %"));
  keep({price(kData, 1), price(kTensor, 2)});
  begin();
  EXPECT_FALSE(before(nullptr));
  EXPECT_EQ(choice_->state().why, "no plan is predicted to be faster");
}

TEST_F(PlanChoiceTest, OneThatFitsWhereThisDoesNotIsTakenUpAtAnyPrice) {
  keep({price(kTensor, 3), price(kData, 1, false)});
  begin();
  ASSERT_TRUE(before(nullptr));
  EXPECT_THAT(choice_->state().why, HasSubstr("predicted to fit"));
}

TEST_F(PlanChoiceTest, WhatIsKeptForOtherDevicesOrAnotherBeginningIsNotTakenUp) {
  keep({price({.tp = 8}, 0.1), price(kData, 1)});
  begin();
  EXPECT_FALSE(before(nullptr));
  EXPECT_EQ(how(), "begun");
  keep({price(kTensor, 0.1), price({.dp = 2, .tp = 2}, 1)});
  begin();
  EXPECT_FALSE(before(nullptr));
  EXPECT_EQ(choice_->state().why, "the plan of the job was not priced");
}

constexpr const char* kBegan = "the search began with dp1 tp4 zero0, found for other sizes";

TEST_F(PlanChoiceTest, ASearchBeginsWithWhatWasFoundForOtherSizes) {
  keep({price(kTensor, 0.1), price(kData, 1)}, 2, false);
  begin();
  EXPECT_FALSE(before(nullptr)) << "it is not taken up unsearched";
  run();
  EXPECT_EQ(how(), "searching");
  wait();
  EXPECT_THAT(how(), testing::AnyOf("found", "stays"));
  EXPECT_THAT(choice_->state().why, HasSubstr(kBegan));
}

TEST_F(PlanChoiceTest, StepsThatComeToHaveOtherSizesForGoodAreSearchedAgain) {
  keep({price(kData, 1), price(kTensor, 2)}, 2);
  begin();
  EXPECT_FALSE(before(nullptr));
  for (int i = 0; i < 3; ++i) {
    run_for(19, 3);
    run_for(1, 4);
  }
  EXPECT_EQ(how(), "stays") << "some have";
  run_for(20, 3);
  EXPECT_EQ(how(), "searching");
  EXPECT_EQ(choice_->state().why, "steps have other sizes now");
  EXPECT_FALSE(choice_->settled());
  wait();
  EXPECT_THAT(how(), testing::AnyOf("found", "stays"));
  EXPECT_THAT(choice_->state().why, HasSubstr("the search began with dp4 tp1 zero0"));
}

TEST_F(PlanChoiceTest, StepsOfTheSameSizesOrOtherCallsAreSearchedOnce) {
  keep({price(kData, 1), price(kTensor, 2)});
  begin();
  EXPECT_FALSE(before(nullptr));
  run_for(40, 3);
  EXPECT_EQ(how(), "stays");
  window_.nodes.pop_back();
  run_for(40, 4);
  EXPECT_EQ(how(), "stays");
  keep({price(kData, 1), price(kTensor, 2)}, 2);
  begin();
  EXPECT_FALSE(before(nullptr));
  choice_->give_up("a call failed");
  run_for(40, 3);
  EXPECT_EQ(how(), "stays") << "nothing changes any more";
}

TEST_F(PlanChoiceTest, WhatIsNotTakenUpIsTold) {
  keep({price(kTensor, 0.5), price(kData, 1)});
  begin();
  ASSERT_TRUE(before(nullptr));
  choice_->taken(resource_exhausted("a device would need 12 bytes"));
  EXPECT_EQ(how(), "stays");
  EXPECT_EQ(choice_->state().why, "of the plan dp1 tp4 zero0: a device would need 12 bytes");
  EXPECT_EQ(choice_->state().changes, 0u);
  EXPECT_FALSE(before(&plan_)) << "and not tried again";
}

TEST_F(PlanChoiceTest, WhereTheBestIsNotPossibleTheNextFasterOneIs) {
  const Degrees both{.dp = 2, .tp = 2}, slow{.dp = 2, .pp = 2};
  keep({price(kTensor, 0.5), price(both, 0.6), price(slow, 0.9), price(kData, 1)});
  begin();
  EXPECT_EQ(before(nullptr)->degrees, kTensor);
  choice_->taken(resource_exhausted("a device would need 12 bytes"));
  EXPECT_EQ(how(), "kept");
  plan_.id = 0;
  const auto next = before(&plan_);
  ASSERT_TRUE(next);
  EXPECT_EQ(next->degrees, both);
  choice_->taken(resource_exhausted("a device would need 11 bytes"));
  EXPECT_EQ(how(), "stays");
  EXPECT_EQ(choice_->state().why, "of the plan dp2 tp2 zero0: a device would need 11 bytes");
}

TEST_F(PlanChoiceTest, PlansOfLaterStepsAreTakenUpThenAndNothingIsSearched) {
  options_.schedule = plan_schedule_from_string("dp=4;2:tp=4").value();
  begin();
  EXPECT_EQ(how(), "pinned");
  EXPECT_FALSE(before(&plan_));
  run();
  EXPECT_EQ(how(), "pinned");
  choice_->step_ended();
  EXPECT_FALSE(before(&plan_));
  choice_->step_ended();
  const auto wanted = before(&plan_);
  ASSERT_TRUE(wanted);
  EXPECT_EQ(wanted->degrees, kTensor);
  choice_->taken(ok_status());
  EXPECT_EQ(choice_->state().since_step, 2u);
}

TEST_F(PlanChoiceTest, NothingChangesOnceItWasGivenUp) {
  options_.schedule = plan_schedule_from_string("dp=4;1:tp=4").value();
  begin();
  choice_->step_ended();
  choice_->give_up("a call failed");
  EXPECT_TRUE(choice_->settled());
  EXPECT_FALSE(before(&plan_));
  EXPECT_EQ(choice_->state().why, "a call failed");
}

TEST_F(PlanChoiceTest, WithoutADescriptionNothingIsSearched) {
  options_.cluster.reset();
  options_.why_no_search = "nothing describes them";
  begin();
  run();
  EXPECT_EQ(how(), "pinned");
  EXPECT_EQ(choice_->state().why, "nothing describes them");
  EXPECT_TRUE(choice_->settled());
}

TEST_F(PlanChoiceTest, WindowsThatRunWholeAreCountedByTheirReason) {
  begin();
  plan_.why_whole = "a part may be skipped";
  plan_.ranks.resize(1);
  plan_.ranks[0].calls.resize(7);
  for (int i = 0; i < 3; ++i) run();
  const auto whole = choice_->state().whole;
  ASSERT_EQ(whole.size(), 1u);
  EXPECT_EQ(whole[0].runs, 3u);
  EXPECT_EQ(whole[0].calls, 7u);
  EXPECT_THAT(choice_->state().why, HasSubstr("every device runs the training step whole"))
      << how();
}

TEST_F(PlanChoiceTest, ASearchEndsWithTheJob) {
  begin();
  run();
  const auto begun = std::chrono::steady_clock::now();
  choice_->stop();
  choice_->end();
  choice_.reset();
  EXPECT_LT(std::chrono::steady_clock::now() - begun, std::chrono::seconds(5));
}

TEST_F(PlanChoiceTest, APlanThatDoesNotMakeUpTheRanksIsRefused) {
  options_.schedule = plan_schedule_from_string("dp=4;5:tp=3").value();
  EXPECT_THAT(PlanChoice::make(options_).status().message(),
              HasSubstr("is not the number of devices, 4"));
}

}  // namespace
}  // namespace moai::driver
