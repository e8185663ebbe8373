#include "moai/driver/mesh/plan_schedule.h"

#include <gmock/gmock.h>

namespace moai::driver {
namespace {

using testing::HasSubstr;

TEST(PlanScheduleTest, OnePlanHoldsForAllOfTheJob) {
  const auto none = plan_schedule_from_string("");
  ASSERT_TRUE(none.ok());
  ASSERT_EQ(none->parts.size(), 1u);
  EXPECT_FALSE(none->parts[0].pins.dp || none->parts[0].pins.tp);
  EXPECT_EQ(plan_schedule_from_string("tp=2")->parts[0].pins.tp, 2);
}

TEST(PlanScheduleTest, PlansHoldFromTheirStepOn) {
  const auto s = plan_schedule_from_string("dp=4;10:tp=4;20:dp=2,tp=2,zero=1");
  ASSERT_TRUE(s.ok()) << s.status().to_string();
  ASSERT_EQ(s->parts.size(), 3u);
  EXPECT_EQ(s->parts[0].from_step, 0u);
  EXPECT_EQ(s->parts[0].pins.dp, 4);
  EXPECT_EQ(s->parts[1].from_step, 10u);
  EXPECT_EQ(s->parts[1].pins.tp, 4);
  EXPECT_EQ(s->parts[2].from_step, 20u);
  EXPECT_EQ(s->parts[2].pins.zero, 1);
}

TEST(PlanScheduleTest, SaysWhatIsWrongWithIt) {
  const auto message = [](const char* text) {
    return plan_schedule_from_string(text).status().message();
  };
  EXPECT_THAT(message("dp=4;tp=4"), HasSubstr("\"tp=4\" does not say from which step"));
  EXPECT_THAT(message("dp=4;x:tp=4"), HasSubstr("does not say from which step"));
  EXPECT_THAT(message("dp=4;20:tp=4;20:dp=4"), HasSubstr("step 20 does not come after step 20"));
  EXPECT_THAT(message("dp=4;20:qp=4"), HasSubstr("there is no \"qp\""));
}

}  // namespace
}  // namespace moai::driver
