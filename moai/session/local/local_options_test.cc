#include "moai/session/local/local_options.h"

#include <gtest/gtest.h>

#include <cstdlib>

namespace moai::session {
namespace {

class LocalOptionsTest : public testing::Test {
 protected:
  LocalOptionsTest() { clear(); }
  ~LocalOptionsTest() override { clear(); }
  void clear() {
    for (const char* name :
         {"MOAI_STATE_DIR", "XDG_STATE_HOME", "MOAI_LOCAL_DEVICES", "MOAI_LOCAL_PROBE",
          "MOAI_DEVICE_MEMORY", "MOAI_LOCAL_THREADS", "MOAI_LOCAL_JOB_DEVICES",
          "MOAI_LOCAL_FLAVORS", "MOAI_LOCAL_IDLE_EXIT", "MOAI_COMPILE_PYTHON"}) {
      ::unsetenv(name);
    }
  }
};

TEST_F(LocalOptionsTest, TheStateDirectoryFollowsTheUsersSettings) {
  ::setenv("HOME", "/home/me", 1);
  EXPECT_EQ(local_options()->state_dir, "/home/me/.local/state/moai");
  ::setenv("XDG_STATE_HOME", "/xdg", 1);
  EXPECT_EQ(local_options()->state_dir, "/xdg/moai");
  ::setenv("MOAI_STATE_DIR", "/mine", 1);
  EXPECT_EQ(local_options()->state_dir, "/mine");
}

TEST_F(LocalOptionsTest, NumbersAreTakenFromTheirVariables) {
  EXPECT_EQ(local_options()->devices, 8u);
  EXPECT_EQ(local_options()->idle_exit_s, 600);
  ::setenv("MOAI_LOCAL_DEVICES", "2", 1);
  ::setenv("MOAI_DEVICE_MEMORY", "3GiB", 1);
  ::setenv("MOAI_LOCAL_THREADS", "4", 1);
  EXPECT_EQ(local_options()->job_devices, 0u);
  ::setenv("MOAI_LOCAL_JOB_DEVICES", "6", 1);
  ::setenv("MOAI_LOCAL_IDLE_EXIT", "0", 1);
  const auto options = local_options();
  ASSERT_TRUE(options.ok());
  EXPECT_EQ(options->devices, 2u);
  EXPECT_EQ(options->memory_bytes, uint64_t{3} << 30);
  EXPECT_EQ(options->threads, 4u);
  EXPECT_EQ(options->job_devices, 6u);
  EXPECT_EQ(options->idle_exit_s, 0);
  EXPECT_EQ(options->compile_python, "") << "the agent's own";
  EXPECT_EQ(options->flavors, "") << "those of a new site";
  ::setenv("MOAI_COMPILE_PYTHON", "/opt/python", 1);
  ::setenv("MOAI_LOCAL_FLAVORS", "/etc/moreh/flavors", 1);
  EXPECT_EQ(local_options()->flavors, "/etc/moreh/flavors");
  EXPECT_EQ(local_options()->compile_python, "/opt/python");
}

TEST_F(LocalOptionsTest, DevicesAreSimulatedUnlessAProbeIsNamed) {
  EXPECT_EQ(local_options()->probe, "simulated");
  ::setenv("MOAI_LOCAL_PROBE", "nvidia", 1);
  EXPECT_EQ(local_options()->probe, "nvidia");
  ::setenv("MOAI_LOCAL_PROBE", "abacus", 1);
  EXPECT_EQ(local_options().status().code(), Code::kInvalidArgument);
}

TEST_F(LocalOptionsTest, AWrongVariableIsNamed) {
  for (const char* value : {"0", "-1", "two", "8 ", "99999"}) {
    ::setenv("MOAI_LOCAL_DEVICES", value, 1);
    const Status status = local_options().status();
    EXPECT_EQ(status.code(), Code::kInvalidArgument) << value;
    EXPECT_NE(status.message().find("MOAI_LOCAL_DEVICES"), std::string::npos);
  }
}

TEST_F(LocalOptionsTest, SizesHaveUnits) {
  EXPECT_EQ(*parse_bytes("1073741824"), uint64_t{1} << 30);
  EXPECT_EQ(*parse_bytes("512MiB"), uint64_t{512} << 20);
  EXPECT_EQ(*parse_bytes("2G"), uint64_t{2} << 30);
  for (const char* text : {"", "x", "0", "-1", "8GB", "99999999999999999999", "9999999999999G"}) {
    EXPECT_FALSE(parse_bytes(text).ok()) << text;
  }
}

}  // namespace
}  // namespace moai::session
