#include "moai/base/site_settings.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>

namespace moai {
namespace {

class SiteSettingsTest : public testing::Test {
 protected:
  SiteSettingsTest() { clear(); }
  ~SiteSettingsTest() override { clear(); }
  void clear() {
    for (const char* name : {"MOREH_SDA_MANAGER_ADDRESS", "MOREH_SDA_TOKEN", "MOREH_SDA_CA",
                             "MOAI_STATE_DIR", "XDG_STATE_HOME"}) {
      ::unsetenv(name);
    }
  }
};

TEST_F(SiteSettingsTest, TheEnvironmentGoesBeforeTheFilesOfTheSite) {
  ::setenv("MOREH_SDA_MANAGER_ADDRESS", "master:9000", 1);
  ::setenv("MOREH_SDA_TOKEN", "secret", 1);
  ::setenv("MOREH_SDA_CA", "/ca.pem", 1);
  const SiteSettings settings = read_site_settings();
  EXPECT_EQ(settings.address, "master:9000");
  EXPECT_EQ(settings.token, "secret");
  EXPECT_EQ(settings.ca_path, "/ca.pem");
}

TEST_F(SiteSettingsTest, TheStateDirectoryFollowsTheUsersSettings) {
  ::setenv("HOME", "/home/me", 1);
  EXPECT_EQ(state_directory(), "/home/me/.local/state/moai");
  ::setenv("XDG_STATE_HOME", "/xdg", 1);
  EXPECT_EQ(state_directory(), "/xdg/moai");
  ::setenv("MOAI_STATE_DIR", "/mine", 1);
  EXPECT_EQ(state_directory(), "/mine");
}

TEST_F(SiteSettingsTest, OnlyTheFirstLineOfAFileCounts) {
  const std::string path = testing::TempDir() + "/first_line";
  std::ofstream(path) << "token \r\nsecond\n";
  EXPECT_EQ(first_line_of(path), "token");
  EXPECT_EQ(first_line_of(path + ".none"), "");
  ::unlink(path.c_str());
}

}  // namespace
}  // namespace moai
