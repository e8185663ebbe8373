#include "moai/compiler/verify/verify_started.h"

#include <gmock/gmock.h>

namespace moai::compiler {
namespace {

using testing::HasSubstr;

std::string fault_of(const std::string& text) {
  graph::SignatureTable signatures;
  const auto window = graph::parse(text, &signatures);
  EXPECT_TRUE(window.ok()) << window.status().to_string();
  const Status status = window.ok() ? verify_started(*window, signatures) : ok_status();
  return status.ok() ? "" : status.message();
}

const std::string kStart = "s2 = moai::all_gather.start(f32[2] s1, 0, [2,2], 0) -> f32[4]\n";
const std::string kWait = "moai::wait((f32[4]! s2), 0) -> _\n";
const std::string kSum = "moai::all_reduce.start((f32[2]! s1), \"sum\", 0) -> _\n";
const std::string kWaitSum = "moai::wait((f32[2]! s1), 0) -> _\n";

TEST(VerifyStarted, WhatNobodyTouchesMayGoOn) {
  EXPECT_EQ(fault_of(kStart + "s3 = aten::relu(f32[2] s1) -> f32[2]\n" + kWait +
                     "free s1\ns4 = aten::relu(f32[4] s2) -> f32[4]\n"),
            "");
  EXPECT_EQ(fault_of(kSum + "s3 = aten::relu(f32[2] s4) -> f32[2]\n" + kWaitSum), "");
}

TEST(VerifyStarted, EachStartHasOneWaitBehindIt) {
  EXPECT_THAT(fault_of(kStart), HasSubstr("nobody waits"));
  EXPECT_THAT(fault_of(kWaitSum + kSum), HasSubstr("was not started"));
  EXPECT_THAT(fault_of(kStart + kWait + kWait), HasSubstr("was not started"));
  EXPECT_THAT(fault_of(kStart + "moai::wait((f32[4]! s2), 1) -> _\n"),
              HasSubstr("was not started"));
  EXPECT_THAT(fault_of(kStart + "moai::wait((f32[2]! s2), 0) -> _\n"),
              HasSubstr("was not started"));
  EXPECT_THAT(fault_of(kStart + "moai::wait((f32[4]! s1), 0) -> _\n"),
              HasSubstr("was not started"));
}

TEST(VerifyStarted, NobodyTouchesWhatItMakes) {
  for (const std::string between :
       {"s3 = aten::relu(f32[4] s2) -> f32[4]\n", "aten::relu_(f32[4]! s2) -> _\n", "free s2\n",
        "resize s2 64\n", "moai::all_reduce((f32[4]! s2), \"sum\", 0) -> _\n"}) {
    EXPECT_THAT(fault_of(kStart + between + kWait), HasSubstr("an exchange makes meanwhile"))
        << between;
  }
  EXPECT_THAT(fault_of(kSum + "s3 = aten::relu(f32[2] s1) -> f32[2]\n" + kWaitSum),
              HasSubstr("an exchange makes meanwhile"));
}

TEST(VerifyStarted, NobodyChangesWhatItReads) {
  for (const std::string between : {"aten::relu_(f32[2]! s1) -> _\n", "free s1\n", "resize s1 64\n",
                                    "moai::all_reduce.start((f32[2]! s1), \"sum\", 0) -> _\n"}) {
    EXPECT_THAT(fault_of(kStart + between + kWait), HasSubstr("an exchange reads meanwhile"))
        << between;
  }
}

TEST(VerifyStarted, NothingIsInFlightAcrossABorder) {
  for (const std::string border : {"moai::skip_if(f32[] s9) -> _\n", "moai::skip_end() -> _\n"}) {
    EXPECT_THAT(fault_of(kStart + border + kWait), HasSubstr("may be skipped")) << border;
  }
}

TEST(VerifyStarted, WithoutWaitsStartsAreWholeCalls) {
  graph::SignatureTable signatures;
  const auto window = graph::parse(kStart + "free s1\n" + kWait, &signatures).value();
  EXPECT_TRUE(has_waits(window, signatures));
  const graph::Window whole = without_waits(window, signatures);
  EXPECT_FALSE(has_waits(whole, signatures));
  EXPECT_EQ(print(whole, signatures), kStart + "free s1\n");
}

}  // namespace
}  // namespace moai::compiler
