#include "moai/compiler/conformance/mutants/in_child.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <csignal>

namespace moai::compiler {
namespace {

constexpr std::chrono::seconds kDeadline{20};

TEST(AnswerInChild, IsWhatTheQuestionSays) {
  for (const bool said : {false, true}) {
    const auto answer = answer_in_child([&] { return said; }, kDeadline);
    ASSERT_TRUE(answer.ok()) << answer.status().to_string();
    EXPECT_EQ(*answer, std::optional(said));
  }
}

TEST(AnswerInChild, NothingWhereASignalEndsIt) {
  const auto answer = answer_in_child(
      [] {
        ::raise(SIGKILL);
        return false;
      },
      kDeadline);
  ASSERT_TRUE(answer.ok()) << answer.status().to_string();
  EXPECT_EQ(*answer, std::nullopt);
}

TEST(AnswerInChild, EndsWhoSaysNothing) {
  const auto answer = answer_in_child(
      [] {
        for (;;) ::pause();
        return true;
      },
      std::chrono::seconds(1));
  EXPECT_EQ(answer.status().code(), Code::kDeadlineExceeded) << answer.status().to_string();
}

}  // namespace
}  // namespace moai::compiler
