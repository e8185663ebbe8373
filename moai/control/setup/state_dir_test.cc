#include "moai/control/setup/state_dir.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>

#include "moai/base/file.h"

namespace moai::control {
namespace {

class StateDir : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = ::testing::TempDir() + "moai_state_XXXXXX";
    dir_ = ::mkdtemp(name.data());
  }
  void TearDown() override { std::filesystem::remove_all(dir_); }
  int mode(const std::string& name) {
    struct stat s{};
    EXPECT_EQ(::stat((dir_ + "/" + name).c_str(), &s), 0) << name;
    return static_cast<int>(s.st_mode & 0777);
  }
  std::string dir_;
};

TEST_F(StateDir, MakesCertificatesOnceAndKeepsKeysPrivate) {
  const auto first = ensure_certificates(dir_, "10.1.2.3").value();
  const auto second = ensure_certificates(dir_, "other").value();
  EXPECT_EQ(first.master.certificate, second.master.certificate);
  for (const char* role : {"ca", "master", "agent", "worker", "admin"})
    EXPECT_EQ(mode(std::string(role) + ".key"), 0600) << role;
  const std::string agent = read_file(dir_ + "/agent.pem").value();
  EXPECT_EQ(identity::read_identity(agent).value().role, "agent");
  EXPECT_TRUE(identity::verify_issued(agent, first.ca).ok());
}

TEST_F(StateDir, BadHostNamesAreRefusedNotWritten) {
  EXPECT_FALSE(ensure_certificates(dir_ + "/missing", "h").ok());
}

TEST_F(StateDir, TokenFileIsMadeOrRead) {
  const std::string path = dir_ + "/token";
  const std::string made = ensure_token_file(path).value();
  EXPECT_EQ(made.substr(0, 5), "moai_");
  EXPECT_EQ(mode("token"), 0600);
  EXPECT_EQ(ensure_token_file(path).value(), made);
  ASSERT_TRUE(write_file(path, "  secret \n").ok());
  EXPECT_EQ(ensure_token_file(path).value(), "secret");
  ASSERT_TRUE(write_file(path, " \n").ok());
  EXPECT_EQ(ensure_token_file(path).status().code(), Code::kInvalidArgument);
}

}  // namespace
}  // namespace moai::control
