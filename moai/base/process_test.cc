#include "moai/base/process.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>

#include <algorithm>
#include <fstream>
#include <sstream>

namespace moai {
namespace {

std::string contents(const std::string& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

int wait_for(int64_t pid) {
  int status = 0;
  EXPECT_EQ(::waitpid(static_cast<pid_t>(pid), &status, 0), pid);
  return status;
}

std::string log_path() {
  return testing::TempDir() + "process_test_" + std::to_string(::getpid()) + ".log";
}

TEST(ProcessTest, AProcessIsItselfAndNotALaterOneWithItsPid) {
  const auto self = process_id(::getpid());
  ASSERT_TRUE(self);
  EXPECT_TRUE(is_alive(*self));
  EXPECT_FALSE(is_alive({self->pid, self->start_ticks + 1}));
  EXPECT_FALSE(process_id(0));
  EXPECT_GT(resident_bytes(::getpid()), 1u << 20);
}

TEST(ProcessTest, AZombieCountsAsGone) {
  auto pid = spawn({.argv = {"true"}});
  ASSERT_TRUE(pid.ok());
  auto fd = open_pidfd(*pid);
  ASSERT_TRUE(fd.ok()) << fd.status().to_string();
  pollfd poll_fd{fd->get(), POLLIN, 0};
  ASSERT_EQ(::poll(&poll_fd, 1, 5000), 1);
  EXPECT_FALSE(process_id(*pid));
  wait_for(*pid);
}

TEST(ProcessTest, AProgramRunsInASessionOfItsOwn) {
  auto pid = spawn({.argv = {"sleep", "30"}});
  ASSERT_TRUE(pid.ok());
  EXPECT_EQ(::getsid(static_cast<pid_t>(*pid)), *pid);
  EXPECT_EQ(::getpgid(static_cast<pid_t>(*pid)), *pid);
  ::kill(static_cast<pid_t>(*pid), SIGKILL);
  EXPECT_TRUE(WIFSIGNALED(wait_for(*pid)));
}

TEST(ProcessTest, OnlyTheNamedDescriptorsArePassedAndCountFromThree) {
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);  // without CLOEXEC: must still not leak
  ASSERT_EQ(::write(ends[1], "secret", 6), 6);
  ::close(ends[1]);
  const std::string log = log_path();
  auto pid = spawn({.argv = {"sh", "-c", "cat <&3; echo; ls /proc/$$/fd"},
                    .fds = {ends[0]},
                    .log_path = log,
                    .truncate_log = true});
  ASSERT_TRUE(pid.ok());
  EXPECT_EQ(wait_for(*pid), 0);
  ::close(ends[0]);
  EXPECT_EQ(contents(log), "secret\n0\n1\n2\n3\n");
}

TEST(ProcessTest, EnvironmentIsAddedAndReplaced) {
  const std::string log = log_path();
  auto pid = spawn({.argv = {"sh", "-c", "echo $PATH $MOAI_X"},
                    .environment = {{"PATH", "/usr/bin:/bin"}, {"MOAI_X", "y"}},
                    .log_path = log,
                    .truncate_log = true});
  ASSERT_TRUE(pid.ok());
  EXPECT_EQ(wait_for(*pid), 0);
  EXPECT_EQ(contents(log), "/usr/bin:/bin y\n");
}

TEST(ProcessTest, ADetachedProgramIsNoChild) {
  auto pid = spawn({.argv = {"sleep", "30"}, .detach = true});
  ASSERT_TRUE(pid.ok());
  const auto process = process_id(*pid);
  ASSERT_TRUE(process);
  EXPECT_EQ(::getsid(static_cast<pid_t>(*pid)), *pid);
  EXPECT_LT(::waitpid(static_cast<pid_t>(*pid), nullptr, WNOHANG), 0);
  auto fd = open_pidfd(*pid);
  ASSERT_TRUE(fd.ok());
  ::kill(static_cast<pid_t>(*pid), SIGKILL);
  pollfd poll_fd{fd->get(), POLLIN, 0};
  EXPECT_EQ(::poll(&poll_fd, 1, 5000), 1);
  EXPECT_FALSE(is_alive(*process));
}

TEST(ProcessTest, AncestorsLeadFromTheParentUpwards) {
  auto pid = spawn({.argv = {"sh", "-c", "sleep 30; :"}});
  ASSERT_TRUE(pid.ok());
  const auto found = ancestors(*pid);
  ASSERT_FALSE(found.empty());
  EXPECT_EQ(found.front(), ::getpid());
  EXPECT_EQ(std::vector<int64_t>(found.begin() + 1, found.end()), ancestors(::getpid()));
  EXPECT_EQ(std::count(found.begin(), found.end(), 1), 0);
  ::kill(-static_cast<pid_t>(*pid), SIGKILL);
  wait_for(*pid);
  EXPECT_TRUE(ancestors(*pid).empty());
}

TEST(ProcessTest, AMissingProgramIsAnError) {
  auto pid = spawn({.argv = {"/nowhere/program"}});
  ASSERT_FALSE(pid.ok());
  EXPECT_NE(pid.status().message().find("/nowhere/program"), std::string::npos);
  EXPECT_FALSE(spawn({.argv = {"/nowhere/program"}, .detach = true}).ok());
  EXPECT_FALSE(spawn({}).ok());
}

TEST(ProcessTest, TheBootIsNamedAndTimed) {
  const int64_t before = boot_time_ms();
  EXPECT_GT(before, 0);
  EXPECT_GE(boot_time_ms(), before);
  EXPECT_EQ(boot_id().size(), 36u);
  EXPECT_EQ(boot_id(), boot_id());
  EXPECT_EQ(shared_memory_id().substr(0, 37), boot_id() + "/");
  EXPECT_EQ(shared_memory_id(), shared_memory_id());
}

TEST(ProcessTest, CpuTimeGrowsWithWork) {
  auto pid = spawn({.argv = {"sh", "-c", "while :; do :; done"}});
  ASSERT_TRUE(pid.ok());
  int rounds = 0;
  while (cpu_time_ns(*pid) < 20'000'000 && ++rounds < 500) ::poll(nullptr, 0, 10);
  EXPECT_GE(cpu_time_ns(*pid), 20'000'000u);
  ::kill(static_cast<pid_t>(*pid), SIGKILL);
  wait_for(*pid);
}

}  // namespace
}  // namespace moai
