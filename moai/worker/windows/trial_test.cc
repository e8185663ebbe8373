#include "moai/worker/windows/trial.h"

#include <gtest/gtest.h>

namespace moai::worker {
namespace {

Trial trial_of(uint64_t interpreted_ns, uint64_t compiled_ns, uint64_t interpreted_period_ns,
               uint64_t compiled_period_ns) {
  Trial trial;
  while (!trial.over()) {
    const bool compiled = trial.next_is_compiled();
    trial.ran(compiled, compiled ? compiled_ns : interpreted_ns);
    trial.period(compiled, compiled ? compiled_period_ns : interpreted_period_ns);
  }
  return trial;
}

TEST(Trial, KeepsWhatIsFasterInBothTimes) {
  EXPECT_TRUE(trial_of(100, 50, 120, 80).compiled_is_faster());
  EXPECT_TRUE(trial_of(100, 50, 200, 200).compiled_is_faster()) << "the script is the slower one";
  EXPECT_FALSE(trial_of(100, 100, 120, 120).compiled_is_faster());
  EXPECT_FALSE(trial_of(100, 90, 110, 140).compiled_is_faster()) << "it waited for its parts";
}

TEST(Trial, GoesByMedians) {
  Trial trial;
  for (size_t i = 0; !trial.over(); ++i) {
    const bool compiled = trial.next_is_compiled();
    const uint64_t outlier = i < 4 ? 10'000 : 0;
    trial.ran(compiled, (compiled ? 60 : 100) + outlier);
    // Half of the compiled periods happen to hold a pause of the script's.
    trial.period(compiled, compiled && i % 4 == 1 ? 900 : 150 + outlier);
  }
  EXPECT_EQ(trial.window_ns(true), 60u);
  EXPECT_EQ(trial.window_ns(false), 100u);
  EXPECT_TRUE(trial.compiled_is_faster());
}

}  // namespace
}  // namespace moai::worker
