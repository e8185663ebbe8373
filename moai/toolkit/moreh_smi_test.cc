#include "moai/toolkit/moreh_smi.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "moai/toolkit/testing/fake_core_api.h"

namespace moai::toolkit {
namespace {

using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

class MorehSmiTest : public testing::Test, protected CommandRun {
 protected:
  int smi(const std::vector<std::string>& arguments) { return run(moreh_smi, arguments); }
};

TEST_F(MorehSmiTest, ShowsAcceleratorsAndProcesses) {
  server.run_job();
  EXPECT_EQ(smi({}), 0);
  EXPECT_THAT(out, HasSubstr("|  * 0     |  MoAI Accelerator  |  Small.64GB  |  397 MiB       |"));
  EXPECT_THAT(out, HasSubstr("\nProcesses:\n"));
  EXPECT_EQ(err, "");
}

TEST_F(MorehSmiTest, AStoppedPlatformIsShownAndNotStarted) {
  stopped = true;
  EXPECT_EQ(smi({}), 0);
  EXPECT_FALSE(started);
  EXPECT_THAT(out, HasSubstr("|  * 0     |  MoAI Accelerator  |  Small.64GB  |  -  "));
  EXPECT_THAT(out, HasSubstr("The local platform is not running"));
  EXPECT_EQ(smi({"--json"}), 0);
  EXPECT_EQ(json()["platform"], "stopped");
  EXPECT_TRUE(json()["server_version"].is_null());
  EXPECT_EQ(json()["devices"].size(), 1u);
  EXPECT_EQ(json()["processes"].size(), 0u);
}

TEST_F(MorehSmiTest, OneAcceleratorMayBeAskedFor) {
  server.add_accelerator(1);
  EXPECT_EQ(smi({"-i", "1"}), 0);
  EXPECT_THAT(out, Not(HasSubstr("* 0")));
  EXPECT_EQ(smi({"-i", "7"}), 1);
  EXPECT_EQ(err, "moreh-smi: This token has no accelerator 7; its accelerators are: 0, 1\n");
}

TEST_F(MorehSmiTest, OtherViewsHaveTheirColumns) {
  server.run_job();
  EXPECT_EQ(smi({"-t"}), 0);
  EXPECT_THAT(out, HasSubstr("|  Device  |  Name              |  Token   |  Model       |"));
  EXPECT_EQ(smi({"--physical"}), 0);
  EXPECT_THAT(out, HasSubstr("|  Dev  |  Location  |  Dev Temp  |"));
  EXPECT_THAT(out, HasSubstr("|  0    |  back01:3  |  61 C      |"));
  EXPECT_THAT(out, HasSubstr("Processes:")) << "who has them";
}

TEST_F(MorehSmiTest, VersionsOfBothSides) {
  EXPECT_EQ(smi({"-v"}), 0);
  EXPECT_EQ(out, "Client Version: 0.1.0\n");
  EXPECT_EQ(smi({"--server-version"}), 0);
  EXPECT_EQ(out, "Server Version: 0.1.0\n");
  EXPECT_EQ(smi({"-s", "--json"}), 0);
  EXPECT_EQ(json()["latest_version"], "0.1.1");
  EXPECT_EQ(smi({"-v", "--json"}), 0);
  EXPECT_EQ(json()["client_version"], "0.1.0");
}

TEST_F(MorehSmiTest, ResetEndsTheJobOfTheDefaultAcceleratorOrOfTheOneNamed) {
  server.run_job();
  EXPECT_EQ(smi({"-r"}), 0);
  EXPECT_EQ(out, "Device release success.\n");
  EXPECT_EQ(server.called, "reset_accelerator(0)");
  EXPECT_EQ(smi({"--reset", "-i", "3", "--json"}), 0);
  EXPECT_EQ(json()["device"], 3);
}

TEST_F(MorehSmiTest, ResetWithoutAJobFailsInTheOriginalsWords) {
  EXPECT_EQ(smi({"-r"}), 1);
  EXPECT_EQ(err, "Device release failed. (Not running job.)\n");
  EXPECT_EQ(out, "");
  stopped = true;
  EXPECT_EQ(smi({"-r"}), 1);
  EXPECT_EQ(err, "Device release failed. (Not running job.)\n");
}

TEST_F(MorehSmiTest, ModelsAreListedByNumber) {
  EXPECT_EQ(smi({"device", "--list"}), 0);
  EXPECT_EQ(out, "1. Small.64GB\n2. Medium.128GB\n3. 1.5xLarge.768GB\n");
  EXPECT_EQ(smi({"device", "--list", "--json"}), 0);
  EXPECT_EQ(json()["models"][2]["id"], 52);
  EXPECT_EQ(json()["models"][2]["number"], 3);
}

TEST_F(MorehSmiTest, AnAcceleratorIsAddedByTheNumberInTheList) {
  EXPECT_EQ(smi({"device", "--add", "3"}), 0);
  EXPECT_EQ(out, "Create device success.\n");
  EXPECT_EQ(server.called, "add_accelerator(52)");
  EXPECT_EQ(smi({"device", "--add", "14"}), 1);
  EXPECT_THAT(err, StartsWith("moreh-smi: There is no accelerator model \"14\""));
}

TEST_F(MorehSmiTest, AddAsksForTheModelWhenNoneIsGiven) {
  input = "9\n2\n";
  EXPECT_EQ(smi({"device", "--add"}), 0);
  EXPECT_EQ(out,
            "1. Small.64GB\n2. Medium.128GB\n3. 1.5xLarge.768GB\n\n"
            "Selection (1-3, q, Q): \"9\" is no selection: enter a number of 1-3, or q to quit.\n"
            "Selection (1-3, q, Q): Create device success.\n");
  input = "Q\n";
  server.called.clear();
  EXPECT_EQ(smi({"device", "--add"}), 0);
  EXPECT_EQ(server.called, "");
  EXPECT_EQ(smi({"device", "--add", "--json"}), 2) << "nothing is asked then";
}

TEST_F(MorehSmiTest, AcceleratorsAreRemovedAndMadeTheDefault) {
  EXPECT_EQ(smi({"device", "--rm", "1"}), 0);
  EXPECT_EQ(out, "Remove device success.\n");
  EXPECT_EQ(smi({"device", "--switch", "2"}), 0);
  EXPECT_EQ(out, "Switch Current Device success.\n");
  EXPECT_EQ(server.called, "remove_accelerator(1) switch_accelerator(2)");
  EXPECT_EQ(smi({"device", "--rm", "one"}), 2);
  EXPECT_THAT(err, HasSubstr("\"one\" is not the number of an accelerator"));
}

TEST_F(MorehSmiTest, WrongUsageIsOneLineAndCodeTwo) {
  for (const auto& arguments :
       std::vector<std::vector<std::string>>{{"--nonsense"},
                                             {"-i"},
                                             {"-i", "x"},
                                             {"device"},
                                             {"-l", "0"},
                                             {"device", "--add", "1", "--rm", "1"}}) {
    EXPECT_EQ(smi(arguments), 2) << arguments[0];
    EXPECT_EQ(std::count(err.begin(), err.end(), '\n'), 1) << err;
    EXPECT_THAT(err, HasSubstr("see \"moreh-smi --help\""));
  }
}

TEST_F(MorehSmiTest, HelpHasExamples) {
  EXPECT_EQ(smi({"--help"}), 0);
  EXPECT_THAT(out, HasSubstr("Examples:"));
  EXPECT_THAT(out, HasSubstr("Exit codes"));
}

TEST_F(MorehSmiTest, AServerThatFailsIsOneLine) {
  server.failure = unavailable("SDAManager at master:9000 does not answer:\nno luck");
  EXPECT_EQ(smi({}), 1);
  EXPECT_EQ(err, "moreh-smi: SDAManager at master:9000 does not answer: no luck\n");
  EXPECT_EQ(out, "");
}

}  // namespace
}  // namespace moai::toolkit
