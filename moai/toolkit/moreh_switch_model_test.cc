#include "moai/toolkit/moreh_switch_model.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "moai/toolkit/testing/fake_core_api.h"

namespace moai::toolkit {
namespace {

using testing::HasSubstr;

class MorehSwitchModelTest : public testing::Test, protected CommandRun {
 protected:
  int switch_model(const std::vector<std::string>& arguments) {
    return run(moreh_switch_model, arguments);
  }
};

TEST_F(MorehSwitchModelTest, ShowsTheListAgainAfterANumberAndAsksAgain) {
  input = "2\nq\n";
  EXPECT_EQ(switch_model({}), 0);
  EXPECT_EQ(out,
            "Current MoAI Accelerator: Small.64GB\n\n"
            "1. Small.64GB *\n2. Medium.128GB\n3. 1.5xLarge.768GB\n\n"
            "Selection (1-3, q, Q): "
            "The MoAI Accelerator model is successfully switched to  \"Medium.128GB\".\n\n"
            "1. Small.64GB\n2. Medium.128GB *\n3. 1.5xLarge.768GB\n\n"
            "Selection (1-3, q, Q): ");
  EXPECT_EQ(server.called, "switch_model(2)");
  EXPECT_TRUE(started) << "the change must be stored";
}

TEST_F(MorehSwitchModelTest, NumbersAreThoseOfTheMenuAndNotIds) {
  input = "3\nQ\n";
  EXPECT_EQ(switch_model({}), 0);
  EXPECT_EQ(server.called, "switch_model(52)");
}

TEST_F(MorehSwitchModelTest, TheEndOfTheInputQuits) {
  input = "";
  EXPECT_EQ(switch_model({}), 0);
  EXPECT_THAT(out, HasSubstr("Selection (1-3, q, Q): \n"));
  EXPECT_EQ(server.called, "");
}

TEST_F(MorehSwitchModelTest, AWrongSelectionIsAskedAgain) {
  input = "0\nfour\n\n1\nq\n";
  EXPECT_EQ(switch_model({}), 0);
  EXPECT_THAT(out, HasSubstr("\"0\" is no selection"));
  EXPECT_THAT(out, HasSubstr("\"four\" is no selection"));
  EXPECT_EQ(server.called, "switch_model(1)");
}

TEST_F(MorehSwitchModelTest, ABusyAcceleratorIsRefusedInTheOriginalsWords) {
  server.run_job();
  server.server.set_device_name("KT AI Accelerator");
  input = "2\nq\n";
  EXPECT_EQ(switch_model({}), 1);
  EXPECT_THAT(out,
              HasSubstr("The model cannot be switched while the KT AI Accelerator is in use.\n"));
  EXPECT_EQ(switch_model({"-M", "2"}), 1);
  EXPECT_EQ(err,
            "moreh-switch-model: The model cannot be switched while the KT AI Accelerator is in "
            "use.\n");
}

TEST_F(MorehSwitchModelTest, AModelMayBeGivenByNumberOrName) {
  EXPECT_EQ(switch_model({"-M", "2"}), 0);
  EXPECT_EQ(out, "The MoAI Accelerator model is successfully switched to  \"Medium.128GB\".\n");
  EXPECT_EQ(switch_model({"--model", "small.64gb", "--json"}), 0);
  EXPECT_EQ(json()["current"], "Small.64GB");
  EXPECT_EQ(switch_model({"-M", "14"}), 1);
  EXPECT_EQ(err,
            "moreh-switch-model: There is no accelerator model \"14\"; give a number of 1-3 or a "
            "name, for example Small.64GB\n");
}

TEST_F(MorehSwitchModelTest, JsonListsAndChangesNothing) {
  EXPECT_EQ(switch_model({"--json"}), 0);
  EXPECT_EQ(json()["current"], "Small.64GB");
  EXPECT_EQ(json()["models"][0]["current"], true);
  EXPECT_EQ(json()["models"][2]["devices"], 12);
  EXPECT_EQ(server.called, "");
}

}  // namespace
}  // namespace moai::toolkit
