#include "moai/worker/exec/template_set.h"

#include <gmock/gmock.h>

#include "moai/worker/testing/front.h"

namespace moai::worker {
namespace {

using dispatch::RunTemplate;
using testing::ElementsAre;
using testing::HasSubstr;

// Two calls of two operands and a result each: (%0, %1) → %2, (%2, %0) → %3.
program::Program two_calls() {
  return ProgramBuilder(true).call(0, {0, 1, 2}, {1}).call(0, {2, 0, 3}, {1}).get();
}

class TemplateSetTest : public testing::Test {
 protected:
  TemplateSetTest() { set_.define(1, two_calls()); }
  std::string refusal(const RunTemplate& run) {
    const auto begun = set_.begin(run);
    EXPECT_FALSE(begun.ok());
    EXPECT_EQ(begun.status().code(), Code::kInvalidArgument);
    return begun.status().message();
  }
  TemplateSet set_;
};

TEST_F(TemplateSetTest, CountsSlotsAndWordsBeforeEachInstruction) {
  const auto t = set_.begin({.id = 1, .end = 2, .bindings = {7, 8, 9, 10}, .words = {1, 2}});
  ASSERT_TRUE(t.ok()) << t.status().to_string();
  EXPECT_THAT((*t)->slots_before, ElementsAre(0, 3, 4));
  EXPECT_THAT((*t)->words_before, ElementsAre(0, 1, 2));
}

TEST_F(TemplateSetTest, ResolvesSlotsToTheirStorages) {
  ASSERT_TRUE(set_.begin({.id = 1, .end = 2, .bindings = {7, 8, 9, 10}, .words = {1, 2}}).ok());
  EXPECT_THAT(set_.resolve(std::vector<program::Place>{2, 0, 3}), ElementsAre(9, 7, 10));
}

TEST_F(TemplateSetTest, ARunMayComeInPieces) {
  ASSERT_TRUE(set_.begin({.id = 1, .end = 1, .bindings = {7, 8, 9}, .words = {1}}).ok());
  ASSERT_TRUE(set_.begin({.id = 1, .begin = 1, .end = 2, .bindings = {10}, .words = {2}}).ok());
  EXPECT_THAT(set_.resolve(std::vector<program::Place>{2, 0, 3}), ElementsAre(9, 7, 10));
}

TEST_F(TemplateSetTest, BindingsSurviveAChangeToATemplateWithTheSamePrefix) {
  set_.define(2, ProgramBuilder(true).call(0, {0, 1, 2}, {1}).call(0, {2, 3, 4}, {1}).get());
  ASSERT_TRUE(set_.begin({.id = 1, .end = 1, .bindings = {7, 8, 9}, .words = {1}}).ok());
  ASSERT_TRUE(set_.begin({.id = 2, .begin = 1, .end = 2, .bindings = {5, 6}, .words = {2}}).ok());
  EXPECT_THAT(set_.resolve(std::vector<program::Place>{2, 3, 4}), ElementsAre(9, 5, 6));
}

TEST_F(TemplateSetTest, ANewInstanceForgetsAllBindings) {
  ASSERT_TRUE(set_.begin({.id = 1, .end = 1, .bindings = {7, 8, 9}, .words = {1}}).ok());
  ASSERT_TRUE(set_.begin({.id = 1, .end = 1, .bindings = {17, 18, 19}, .words = {1}}).ok());
  EXPECT_THAT(set_.resolve(std::vector<program::Place>{0}), ElementsAre(17));
}

TEST_F(TemplateSetTest, RefusesWhatDoesNotFit) {
  EXPECT_THAT(refusal({.id = 3}), HasSubstr("not defined"));
  EXPECT_THAT(refusal({.id = 1, .end = 3}), HasSubstr("instructions: 2"));
  EXPECT_THAT(refusal({.id = 1, .begin = 2, .end = 1}), HasSubstr("instructions"));
  EXPECT_THAT(refusal({.id = 1, .begin = 1, .end = 2}), HasSubstr("bound so far"));
  EXPECT_THAT(refusal({.id = 1, .end = 1, .bindings = {7}, .words = {1}}), HasSubstr("bindings"));
  EXPECT_THAT(refusal({.id = 1, .end = 1, .bindings = {7, 8, 9}}), HasSubstr("words"));
  EXPECT_THAT(
      refusal(
          {.id = 1, .end = 1, .bindings = {7, 8, 9}, .words = {1}, .releases = {{1, 7}, {0, 8}}}),
      HasSubstr("out of order"));
  EXPECT_THAT(
      refusal({.id = 1, .end = 1, .bindings = {7, 8, 9}, .words = {1}, .releases = {{2, 7}}}),
      HasSubstr("out of order"));
}

TEST_F(TemplateSetTest, DroppedTemplatesAreGone) {
  EXPECT_EQ(set_.drop(1), ok_status());
  EXPECT_EQ(set_.drop(1).code(), Code::kNotFound);
  EXPECT_THAT(refusal({.id = 1}), HasSubstr("not defined"));
}

}  // namespace
}  // namespace moai::worker
