#include "moai/toolkit/plan/fixed_plan.h"

#include <gmock/gmock.h>

namespace moai::toolkit {
namespace {

using testing::HasSubstr;

TEST(FixedPlan, KeysAndValues) {
  const auto pins = pins_from_string("dp=4,zero=0");
  ASSERT_TRUE(pins.ok()) << pins.status().to_string();
  EXPECT_EQ(pins->dp, 4);
  EXPECT_EQ(pins->zero, 0);
  EXPECT_FALSE(pins->tp);
  EXPECT_TRUE(pins_from_string("").ok());
}

TEST(FixedPlan, WhatIsNotPlannedYetMayBeFixedToWhatThereIs) {
  EXPECT_TRUE(pins_from_string("pp=1,cp=1,ep=1,microbatches=1,recompute=none,schedule=none").ok());
  for (const char* text :
       {"pp=2", "cp=2", "ep=8", "microbatches=4", "recompute=full", "schedule=1f1b"}) {
    const Status status = pins_from_string(text).status();
    EXPECT_EQ(status.code(), Code::kUnimplemented) << text;
    EXPECT_THAT(status.message(), HasSubstr(text));
    EXPECT_THAT(status.message(), HasSubstr("are not made yet; leave it out"));
  }
}

TEST(FixedPlan, ErrorsSayWhatThereIs) {
  const auto message = [](const char* text) {
    const Status status = pins_from_string(text).status();
    EXPECT_EQ(status.code(), Code::kInvalidArgument) << text;
    return status.message();
  };
  EXPECT_THAT(message("tp=many"), HasSubstr("tp=many is not a number of 1-"));
  EXPECT_THAT(message("zero=4"), HasSubstr("zero=4 is not a number of 0-3"));
  EXPECT_THAT(message("dp=2x"), HasSubstr("dp=2x"));
  EXPECT_THAT(message("dp"), HasSubstr("\"dp\" is no KEY=VALUE"));
  EXPECT_THAT(message("fp=1"), HasSubstr("there is no \"fp\"; there are dp, tp, zero, pp"));
}

}  // namespace
}  // namespace moai::toolkit
