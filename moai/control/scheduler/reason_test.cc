#include "moai/control/scheduler/reason.h"

#include <gtest/gtest.h>

namespace moai::control {
namespace {

ReasonFacts facts() {
  ReasonFacts f;
  f.device_name = "MoAI Accelerator";
  f.flavor = "Medium.128GB";
  f.flavor_devices = 2;
  f.holder_pid = 4321;
  f.holder_command = "python train.py";
  f.devices_max = 3;
  return f;
}

TEST(Reason, InUseNamesTheProcess) {
  const std::string text = reason_text(Cause::kInUse, facts());
  EXPECT_EQ(text.find("MoAI Accelerator is already in use by another process:\n"
                      "  (pid: 4321) python train.py\n"),
            0u);
  EXPECT_NE(text.find("resume automatically"), std::string::npos);
  EXPECT_NE(text.find("moreh-smi --reset"), std::string::npos);
  ReasonFacts other = facts();
  other.accelerator = 3;
  EXPECT_NE(reason_text(Cause::kInUse, other).find("\"moreh-smi -i 3 --reset\""),
            std::string::npos);
}

TEST(Reason, AnAncestorIsNamedAndTheCure) {
  const std::string text = reason_text(Cause::kHeldByAncestor, facts());
  EXPECT_NE(text.find("(pid: 4321) python train.py"), std::string::npos);
  EXPECT_NE(text.find("MOREH_VISIBLE_DEVICE"), std::string::npos);
  EXPECT_EQ(text.find("resume"), std::string::npos);
}

TEST(Reason, ShortageSaysThatItResumes) {
  const std::string text = reason_text(Cause::kNoFreeDevice, facts());
  EXPECT_EQ(text.find("Not enough resources are currently available for MoAI Accelerator."), 0u);
  EXPECT_NE(text.find("The program will resume automatically"), std::string::npos);
}

TEST(Reason, UnsupportedFlavorNamesItselfAndTheCure) {
  const std::string text = reason_text(Cause::kFlavorNotSupported, facts());
  EXPECT_NE(text.find("Medium.128GB"), std::string::npos);
  EXPECT_NE(text.find("\"moreh-switch-model\""), std::string::npos);
}

TEST(Reason, QuotaNamesTheLimit) {
  EXPECT_NE(reason_text(Cause::kQuota, facts()).find("(3)"), std::string::npos);
}

TEST(Reason, AFlavorThatIsTooLargeIsNamedWithItsDevices) {
  const std::string waits = reason_text(Cause::kTooFewDevices, facts());
  EXPECT_EQ(waits.find("The flavor Medium.128GB has 2 devices, more than"), 0u);
  EXPECT_NE(waits.find("resume automatically when more nodes connect"), std::string::npos);
  ReasonFacts small = facts();
  small.devices_max = 1;
  const std::string refused = reason_text(Cause::kOverLimit, small);
  EXPECT_NE(refused.find("this token may use at most 1."), std::string::npos);
  EXPECT_NE(refused.find("moreh-switch-model"), std::string::npos);
  EXPECT_EQ(refused.find("resume"), std::string::npos);
}

TEST(Reason, EveryCauseHasAWordAndASentence) {
  for (const Cause cause :
       {Cause::kInUse, Cause::kNoFreeDevice, Cause::kNoAgent, Cause::kFlavorNotSupported,
        Cause::kQuota, Cause::kHeldByAncestor, Cause::kTooFewDevices, Cause::kOverLimit}) {
    EXPECT_FALSE(cause_word(cause).empty());
    EXPECT_FALSE(reason_text(cause, facts()).empty());
  }
  EXPECT_TRUE(reason_text(Cause::kNone, facts()).empty());
}

}  // namespace
}  // namespace moai::control
