#include "moai/session/local/local_platform.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/stat.h>

#include <thread>

#include "moai/base/file.h"
#include "moai/session/testing/state_directory.h"

namespace moai::session {
namespace {

class LocalPlatformTest : public testing::Test {
 protected:
  LocalPlatformTest() {
    call_.probe = StateDirectory::probe();
    call_.say = [this](std::string line) { said_.push_back(std::move(line)); };
  }
  void kill(const ProcessId& process) {
    ::kill(static_cast<pid_t>(process.pid), SIGKILL);
    for (int i = 0; i < 500 && is_alive(process); ++i) ::poll(nullptr, 0, 10);
  }

  StateDirectory directory_;
  LocalCall call_;
  std::vector<std::string> said_;
};

TEST_F(LocalPlatformTest, StartsWhatIsNotThereAndThenUsesIt) {
  const auto first = ensure_platform(directory_.options(), call_);
  ASSERT_TRUE(first.ok()) << first.status().to_string();
  EXPECT_TRUE(is_alive(first->master));
  EXPECT_TRUE(is_alive(first->agent));
  EXPECT_EQ(first->address, "127.0.0.1:" + std::to_string(first->master.pid));
  EXPECT_EQ(said_, std::vector<std::string>{"Starting a local platform (8 simulated devices; ends "
                                            "by itself after 600 s idle)"});
  const auto second = ensure_platform(directory_.options(), call_);
  ASSERT_TRUE(second.ok());
  EXPECT_EQ(second->master, first->master);
  EXPECT_EQ(directory_.starts("master"), 1);
  EXPECT_EQ(said_.size(), 1u);
}

TEST_F(LocalPlatformTest, TheStateDirectoryIsPrivate) {
  ASSERT_TRUE(ensure_platform(directory_.options(), call_).ok());
  struct stat info = {};
  ASSERT_EQ(::stat(directory_.state().c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0700u);
}

TEST_F(LocalPlatformTest, ScriptsThatStartTogetherShareOnePlatform) {
  std::vector<std::thread> scripts;
  std::vector<ProcessId> masters(4);
  for (size_t i = 0; i < masters.size(); ++i) {
    scripts.emplace_back([this, i, &masters] {
      LocalCall call;
      call.probe = StateDirectory::probe();
      const auto platform = ensure_platform(directory_.options(), call);
      if (platform.ok()) masters[i] = platform->master;
    });
  }
  for (std::thread& script : scripts) script.join();
  EXPECT_EQ(directory_.starts("master"), 1);
  EXPECT_EQ(directory_.starts_noted("agent"), 1);
  for (const ProcessId& master : masters) EXPECT_EQ(master, masters[0]);
}

TEST_F(LocalPlatformTest, ADeadAgentIsReplacedBesideItsMaster) {
  const auto before = ensure_platform(directory_.options(), call_);
  ASSERT_TRUE(before.ok());
  kill(before->agent);
  const auto after = ensure_platform(directory_.options(), call_);
  ASSERT_TRUE(after.ok());
  EXPECT_EQ(after->master, before->master);
  EXPECT_TRUE(is_alive(after->agent));
}

TEST_F(LocalPlatformTest, ADeadMasterIsReplacedTogetherWithItsAgent) {
  const auto before = ensure_platform(directory_.options(), call_);
  ASSERT_TRUE(before.ok());
  kill(before->master);
  const auto after = ensure_platform(directory_.options(), call_);
  ASSERT_TRUE(after.ok());
  EXPECT_TRUE(is_alive(after->master));
  EXPECT_NE(after->agent, before->agent) << "the agent knows only the old address";
  EXPECT_FALSE(is_alive(before->agent));
}

TEST_F(LocalPlatformTest, AnIdlePlatformOfAnotherBuildIsReplaced) {
  const auto before = ensure_platform(directory_.options(), call_);
  ASSERT_TRUE(before.ok());
  directory_.program("moai-worker", "exit 0");
  call_.probe.is_idle = [](const LocalPlatform&) { return false; };
  const auto busy = ensure_platform(directory_.options(), call_);
  ASSERT_TRUE(busy.ok());
  EXPECT_EQ(busy->master, before->master) << "its jobs go on";
  call_.probe.is_idle = StateDirectory::probe().is_idle;
  const auto after = ensure_platform(directory_.options(), call_);
  ASSERT_TRUE(after.ok()) << after.status().to_string();
  EXPECT_FALSE(is_alive(before->master));
  EXPECT_FALSE(is_alive(before->agent));
  ASSERT_EQ(said_.size(), 3u);
  EXPECT_EQ(said_[1], "The local platform is of another build and idle; it is replaced");
  EXPECT_EQ(ensure_platform(directory_.options(), call_)->master, after->master);
}

TEST_F(LocalPlatformTest, AMasterThatIsJustEndingIsWaitedForAndReplaced) {
  const auto before = ensure_platform(directory_.options(), call_);
  ASSERT_TRUE(before.ok());
  call_.probe.master_answers = [&](const LocalPlatform& p) {
    return p.master != before->master && is_alive(p.master);
  };
  std::thread ending([&] {
    ::poll(nullptr, 0, 100);
    ::kill(static_cast<pid_t>(before->master.pid), SIGTERM);
  });
  const auto after = ensure_platform(directory_.options(), call_);
  ending.join();
  ASSERT_TRUE(after.ok()) << after.status().to_string();
  EXPECT_NE(after->master, before->master);
}

TEST_F(LocalPlatformTest, AFailureNamesTheLogFile) {
  directory_.program("moai-master", "echo no luck >&2; exit 3");
  const auto platform = ensure_platform(directory_.options(), call_);
  ASSERT_FALSE(platform.ok());
  EXPECT_EQ(platform.status().message(),
            "The local platform cannot be started: moai-master ended at once; see " +
                directory_.state() + "/moai-master.log");
  EXPECT_EQ(*read_file(directory_.state() + "/moai-master.log"), "no luck\n");
}

TEST_F(LocalPlatformTest, AMasterThatNeverAnswersIsNotLeftBehind) {
  LocalOptions options = directory_.options();
  options.start_ms_max = 300;
  ProcessId master;
  call_.probe.master_answers = [&](const LocalPlatform& p) {
    master = p.master;
    return false;
  };
  const auto platform = ensure_platform(options, call_);
  EXPECT_EQ(platform.status().code(), Code::kDeadlineExceeded) << platform.status().to_string();
  for (int i = 0; i < 500 && is_alive(master); ++i) ::poll(nullptr, 0, 10);
  EXPECT_FALSE(is_alive(master));
}

TEST_F(LocalPlatformTest, WhoIsNotNeededAnyMoreGivesUpSoon) {
  call_.probe.master_answers = [](const LocalPlatform&) { return false; };
  const std::atomic<bool> stop{true};
  call_.stop = &stop;
  EXPECT_FALSE(ensure_platform(directory_.options(), call_).ok());
}

TEST_F(LocalPlatformTest, StatusAndStopSeeWhatEnsureStarted) {
  EXPECT_FALSE(platform_status(directory_.state()));
  EXPECT_TRUE(stop_platform(directory_.state()).ok());
  const auto platform = ensure_platform(directory_.options(), call_);
  ASSERT_TRUE(platform.ok());
  const auto status = platform_status(directory_.state());
  ASSERT_TRUE(status);
  EXPECT_TRUE(status->master_alive && status->agent_alive);
  EXPECT_EQ(status->platform.devices, 8u);
  ASSERT_TRUE(stop_platform(directory_.state()).ok());
  EXPECT_FALSE(is_alive(platform->master));
  EXPECT_FALSE(is_alive(platform->agent));
  EXPECT_FALSE(platform_status(directory_.state()));
}

TEST_F(LocalPlatformTest, WhoComesBackRevivesACrashedPlatformAndNotAStoppedOne) {
  const auto before = ensure_platform(directory_.options(), call_);
  ASSERT_TRUE(before.ok());
  call_.comes_back = true;
  kill(before->master);
  kill(before->agent);
  ASSERT_TRUE(ensure_platform(directory_.options(), call_).ok());
  ASSERT_TRUE(stop_platform(directory_.state()).ok());
  const Status status = ensure_platform(directory_.options(), call_).status();
  EXPECT_EQ(status.code(), Code::kAborted);
  EXPECT_EQ(status.message(),
            "The local platform was stopped by \"moai down\", and this job with it.");
  EXPECT_EQ(directory_.starts("master"), 2);
}

TEST_F(LocalPlatformTest, SessionsComeBackAfterACrashAndNotAfterAStop) {
  const auto grace = [this] {
    const std::string line = directory_.master_arguments();
    return line.substr(line.find("--restart-grace"));
  };
  const auto before = ensure_platform(directory_.options(), call_);
  ASSERT_TRUE(before.ok());
  EXPECT_EQ(grace(), "--restart-grace 0");
  kill(before->master);
  ASSERT_TRUE(ensure_platform(directory_.options(), call_).ok());
  EXPECT_EQ(grace(), "--restart-grace 15");
  ASSERT_TRUE(stop_platform(directory_.state()).ok());
  ASSERT_TRUE(ensure_platform(directory_.options(), call_).ok());
  EXPECT_EQ(grace(), "--restart-grace 0");
}

TEST_F(LocalPlatformTest, ADamagedFileIsAsGoodAsNone) {
  const auto before = ensure_platform(directory_.options(), call_);
  ASSERT_TRUE(before.ok());
  std::ofstream(directory_.state() + "/platform.json") << "{\"version\":1}";
  EXPECT_FALSE(read_platform(directory_.state()));
  EXPECT_TRUE(ensure_platform(directory_.options(), call_).ok());
  kill(before->master);
  kill(before->agent);
}

}  // namespace
}  // namespace moai::session
