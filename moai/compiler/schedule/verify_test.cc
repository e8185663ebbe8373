#include "moai/compiler/schedule/verify.h"

#include <gtest/gtest.h>

#include "moai/compiler/schedule/generators.h"

namespace moai::compiler::schedule {
namespace {

Costs costs_of(const Schedule& s) {
  return uniform(s.stages(), {.forward_s = 1, .held_bytes = 100, .kept_bytes = 40});
}

TEST(Verify, MemoryIsHeldToItsLimit) {
  const Schedule s = one_forward_one_backward(3, 6);
  EXPECT_TRUE(verify(s, costs_of(s), {300, 200, 100}).ok());
  const Status status = verify(s, costs_of(s), {300, 199, 100});
  EXPECT_EQ(status.code(), Code::kResourceExhausted);
  EXPECT_NE(status.message().find("device 1 may hold: 200 bytes from F(stage 1, micro-batch 1) on, "
                                  "limit 199"),
            std::string::npos)
      << status.message();
}

TEST(Verify, WaitingWeightGradientsCount) {
  const Schedule s = zb_h1(3, 6);
  EXPECT_TRUE(verify(s, costs_of(s), {300, 240, 180}).ok());
  EXPECT_FALSE(verify(s, costs_of(s), {300, 240, 179}).ok());
}

TEST(Verify, LimitsAreOfTheDevices) {
  const Schedule s = zb_v(3, 6);
  const Status status = verify(s, costs_of(s), std::vector<int64_t>(6, 1000));
  EXPECT_NE(status.message().find("limits of 6 devices for a schedule on 3"), std::string::npos);
}

TEST(Verify, AnOrderThatCannotRunIsRefused) {
  Schedule s = gpipe(2, 2);
  std::swap(s.order[1].front(), s.order[1].back());
  const Status status = verify(s);
  EXPECT_NE(status.message().find("B(stage 1, micro-batch 1) on device 1 waits for F(stage 1, "
                                  "micro-batch 1) on device 1"),
            std::string::npos)
      << status.message();
}

TEST(Verify, WarmUpsMayNotRiseAlongThePipeline) {
  EXPECT_TRUE(verify(by_turns({2, 2, 1}, 4)).ok());
  EXPECT_FALSE(verify(by_turns({1, 2, 1}, 4)).ok());
}

}  // namespace
}  // namespace moai::compiler::schedule
