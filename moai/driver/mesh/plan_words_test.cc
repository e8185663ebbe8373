#include "moai/driver/mesh/plan_words.h"

#include <gmock/gmock.h>

namespace moai::driver {
namespace {

TEST(PlanWordsTest, AChoiceReadsAsUsersKnowIt) {
  EXPECT_EQ(selection_line({.dp = 8}),
            "No PP, No TP, recomputation : 0, distribute_param : false, "
            "distribute_low_prec_param : false");
  EXPECT_EQ(selection_line({.dp = 2,
                            .tp = 2,
                            .zero = 3,
                            .pp = 2,
                            .microbatches = 4,
                            .recompute = compiler::Recompute::kSelective}),
            "num_stages : 2, num_micro_batches : 4, TP : 2, recomputation : default(1), "
            "distribute_param : true, distribute_low_prec_param : false");
}

TEST(PlanWordsTest, ASearchIsToldWithItsNumbers) {
  const Finding f{.search = {.plans = {{.degrees = {.dp = 8}}}, .candidates = 54},
                  .fitting = 44,
                  .search_s = 1.2346,
                  .confirm_s = 0.5};
  const std::vector<std::string> lines = search_lines(f);
  EXPECT_EQ(lines.front(), "The number of candidates is 54.");
  EXPECT_THAT(lines, testing::IsSupersetOf(
                         {"Elapsed Time to compile all candidates = 1235 [ms]",
                          "The number of possible candidates is 44.",
                          "Elapsed Time to compute cost for survived candidates = 500 [ms]",
                          "Configuration for parallelism is selected."}));
}

}  // namespace
}  // namespace moai::driver
