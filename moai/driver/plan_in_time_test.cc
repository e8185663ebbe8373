#include "moai/driver/plan_in_time.h"

#include <gtest/gtest.h>

namespace moai::driver {
namespace {

TEST(PlanInTime, MicroBatchesAndRecomputationAreOne) {
  for (const char* plan : {"", "dp=2,tp=2", "microbatches=1,recompute=none"}) {
    EXPECT_FALSE(plans_in_time(plan).value()) << plan;
  }
  for (const char* plan : {"microbatches=2", "dp=2,recompute=full", "recompute=selective"}) {
    EXPECT_TRUE(plans_in_time(plan).value()) << plan;
  }
  EXPECT_EQ(plans_in_time("batches=2").status().code(), Code::kInvalidArgument);
}

}  // namespace
}  // namespace moai::driver
