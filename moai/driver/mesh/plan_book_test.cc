#include "moai/driver/mesh/plan_book.h"

#include <gtest/gtest.h>

namespace moai::driver {
namespace {

class PlanBookTest : public testing::Test {
 protected:
  PlanBookTest() {
    storages_.made(1, 64);
    storages_.made(2, 64);
  }
  graph::Window window(const std::string& text) {
    auto w = graph::parse(text, &signatures_);
    EXPECT_TRUE(w.ok()) << w.status().to_string();
    return *w;
  }

  graph::SignatureTable signatures_;
  Storages storages_;
  PlanBook book_{{.degrees = {.dp = 2}}, &storages_, &signatures_};
};

TEST_F(PlanBookTest, AFormThatCameBeforeIsKnown) {
  const graph::Window w = window("aten::add_.Tensor(f32[16]! s1, f32[16] s2, 1) -> _    @1\n");
  EXPECT_EQ(book_.known(w), nullptr);
  const PlanBook::Found found = book_.find(w);
  EXPECT_EQ(book_.known(w), found.plan);
  EXPECT_EQ(book_.find(w).plan, found.plan);
  // The same calls of storages that lie otherwise have another form.
  const graph::Window itself = window("aten::add_.Tensor(f32[16]! s2, f32[16] s2, 1) -> _    @1\n");
  EXPECT_EQ(book_.known(itself), nullptr);
}

TEST_F(PlanBookTest, AWindowThatRunsWholeHasAPlanOfItsOwn) {
  const graph::Window w = window("aten::add_.Tensor(f32[16]! s1, f32[16] s2, 1) -> _    @1\n");
  const WindowPlan* whole = book_.find(w, true).plan;
  EXPECT_EQ(book_.known(w), nullptr) << "only whole";
  EXPECT_NE(book_.find(w).plan, whole);
  EXPECT_EQ(book_.find(w, true).plan, whole);
  EXPECT_EQ(book_.size(), 2u);
}

TEST_F(PlanBookTest, WithOtherDegreesItBeginsWithTheDraft) {
  const graph::Window w = window("aten::add_.Tensor(f32[16]! s1, f32[16] s2, 1) -> _    @1\n");
  book_.find(w).plan->defined = true;
  const PlanBook::Options next{.degrees = {.tp = 2}};
  PlanBook::Draft draft = book_.draft(w, next);
  const WindowPlan* plan = draft.plan.get();
  book_.begin_anew(next, w, std::move(draft));
  EXPECT_EQ(book_.known(w), plan);
  EXPECT_EQ(book_.size(), 1u);
  EXPECT_EQ(book_.take_dropped().size(), 1u);
}

}  // namespace
}  // namespace moai::driver
