#include "moai/compiler/planner/pins.h"

#include <gmock/gmock.h>

namespace moai::compiler {
namespace {

using testing::HasSubstr;

TEST(Pins, KeysAndValues) {
  const auto pins = pins_from_string("dp=4,zero=0");
  ASSERT_TRUE(pins.ok()) << pins.status().to_string();
  EXPECT_EQ(pins->dp, 4);
  EXPECT_EQ(pins->zero, 0);
  EXPECT_FALSE(pins->tp);
  EXPECT_TRUE(pins_from_string("").ok());
}

TEST(Pins, AsText) {
  EXPECT_EQ(to_string(pins_from_string("zero=1,dp=4").value()), "dp=4,zero=1");
  const Pins all{.dp = 4,
                 .tp = 2,
                 .pp = 8,
                 .microbatches = 16,
                 .recompute = Recompute::kSelective,
                 .schedule = schedule_from_string("interleaved:3")};
  EXPECT_EQ(to_string(all),
            "dp=4,tp=2,pp=8,microbatches=16,recompute=selective,schedule=interleaved:3");
  EXPECT_EQ(to_string(Pins{}), "");
  const Degrees d{.dp = 2, .tp = 4, .zero = 1, .sp = true, .pp = 2, .microbatches = 8};
  EXPECT_EQ(to_string(pins_of(d)),
            "dp=2,tp=4,pp=2,zero=1,microbatches=8,sp=1,recompute=none,schedule=1f1b");
  EXPECT_EQ(first_degrees(pins_of(d), 16).value(), d);
  const Degrees of_context{.dp = 2, .tp = 2, .zero = 3, .cp = 4};
  EXPECT_EQ(to_string(pins_of(of_context)),
            "dp=2,tp=2,pp=1,cp=4,zero=3,microbatches=1,sp=0,recompute=none");
  EXPECT_EQ(first_degrees(pins_of(of_context), 16).value(), of_context);
}

TEST(Degrees, AsText) {
  Degrees d{.dp = 4, .tp = 2, .zero = 1, .sp = true};
  EXPECT_EQ(to_string(d), "dp4 tp2 zero1 sp");
  d.pp = 2;
  d.microbatches = 8;
  d.recompute = Recompute::kFull;
  EXPECT_EQ(to_string(d), "dp4 tp2 zero1 sp pp2 m8 recompute=full 1f1b");
  EXPECT_EQ(d.ranks(), 16);
  EXPECT_EQ(mesh_of(d).axes[0].name, "pp");
  d.cp = 3;
  EXPECT_EQ(to_string(d), "dp4 tp2 zero1 sp cp3 pp2 m8 recompute=full 1f1b");
  EXPECT_EQ(degrees_from_string(to_string(d)), d);
  EXPECT_EQ(d.ranks(), 48);
  EXPECT_EQ(mesh_of(d).axes[2].name, "cp");
  for (const char* text : {"interleaved:1", "interleaved:", "interleaved:2x", "gpipe", ""}) {
    EXPECT_FALSE(schedule_from_string(text)) << text;
  }
  for (const char* text : {"1f1b", "interleaved:2", "zb"}) {
    EXPECT_EQ(to_string(schedule_from_string(text).value()), text);
  }
}

TEST(Pins, WhatIsNotPlannedYetMayBeFixedToWhatThereIs) {
  EXPECT_TRUE(pins_from_string("pp=1,cp=1,ep=1,microbatches=1,recompute=none,schedule=none").ok());
  const Status status = pins_from_string("ep=8").status();
  EXPECT_EQ(status.code(), Code::kUnimplemented);
  EXPECT_THAT(status.message(), HasSubstr("ep=8: no axis is for experts alone, tp shares those"));
  EXPECT_THAT(status.message(), HasSubstr("leave it out, or say ep=1"));
}

TEST(Pins, ErrorsSayWhatThereIs) {
  const auto message = [](const char* text) {
    const Status status = pins_from_string(text).status();
    EXPECT_EQ(status.code(), Code::kInvalidArgument) << text;
    return status.message();
  };
  EXPECT_THAT(message("tp=many"), HasSubstr("tp=many is not a number of 1-"));
  EXPECT_THAT(message("zero=4"), HasSubstr("zero=4 is not a number of 0-3"));
  EXPECT_THAT(message("dp=2x"), HasSubstr("dp=2x"));
  EXPECT_THAT(message("dp"), HasSubstr("\"dp\" is no KEY=VALUE"));
  EXPECT_THAT(message("sp=1,cp=2"), HasSubstr("sp=1 and cp=2 both share the sequence"));
  EXPECT_THAT(message("fp=1"), HasSubstr("there is no \"fp\"; there are dp, tp, zero, sp, pp"));
}

TEST(Pins, TheRestOfTheDevicesIsDataParallel) {
  const auto first = [](const char* text, int devices) {
    const auto degrees = first_degrees(pins_from_string(text).value(), devices);
    return degrees.ok() ? to_string(*degrees) : degrees.status().message();
  };
  EXPECT_EQ(first("", 4), "dp4 tp1 zero0");
  EXPECT_EQ(first("zero=2", 4), "dp4 tp1 zero2");
  EXPECT_EQ(first("tp=2", 8), "dp4 tp2 zero0");
  EXPECT_EQ(first("dp=2,zero=1", 8), "dp2 tp4 zero1");
  EXPECT_EQ(first("pp=2", 4), "dp2 tp1 zero0 pp2 1f1b");
  EXPECT_EQ(first("pp=2,tp=2", 8), "dp2 tp2 zero0 pp2 1f1b");
  EXPECT_EQ(first("dp=1,zero=3", 2), "dp1 tp2 zero0") << "nothing to share along";
  EXPECT_EQ(first("cp=2", 4), "dp2 tp1 zero0 cp2");
  EXPECT_EQ(first("cp=2,zero=3", 2), "dp1 tp1 zero3 cp2") << "shares along cp";
  EXPECT_EQ(first("dp=1,cp=2", 4), "dp1 tp2 zero0 cp2");
  EXPECT_THAT(first("cp=3,pp=2", 8),
              HasSubstr("dp=1 times tp=1 times pp=2 times cp=3 is not the number of devices, 8"));
  EXPECT_THAT(first("dp=3", 8), HasSubstr("dp=3 times tp=2 is not the number of devices, 8"));
  EXPECT_THAT(first("tp=16", 8), HasSubstr("is not the number of devices, 8"));
}

}  // namespace
}  // namespace moai::compiler
