#include "moai/driver/lease/lease.h"

#include <gmock/gmock.h>
#include <signal.h>

#include <atomic>

#include "moai/base/log.h"
#include "moai/driver/testing/played_lease.h"

namespace moai::driver {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;
using testing::HasSubstr;

const auto kNeverStopped = [] { return false; };

class LeaseTest : public testing::Test {
 protected:
  LeaseTest() { set_log_level(LogLevel::kOff); }
  ~LeaseTest() override { set_log_level(LogLevel::kInfo); }

  std::unique_ptr<Lease> lease(const Played& played) {
    return std::make_unique<Lease>(Lease::Options{Played::program(), played.start, true},
                                   [this](const Status& status) {
                                     const std::lock_guard lock(mutex_);
                                     ended_.push_back(status);
                                   });
  }
  std::vector<Status> ended() {
    const std::lock_guard lock(mutex_);
    return ended_;
  }
  static void kill_holder(const session::Granted& granted) {
    EXPECT_EQ(::kill(static_cast<pid_t>(granted.job_id), SIGKILL), 0);
  }

  std::mutex mutex_;
  std::vector<Status> ended_;  // guarded by mutex_
};

TEST_F(LeaseTest, NothingIsStartedBeforeItIsAskedFor) {
  Played played("grant");
  auto asked = lease(played);
  asked->give_back();
  asked->close_copy();
  EXPECT_EQ(asked->link_lost(0, unavailable("no link either")), unavailable("no link either"));
  EXPECT_EQ(played.notes(), "");
}

TEST_F(LeaseTest, IsGranted) {
  Played played("grant");
  auto asked = lease(played);
  const auto granted = asked->acquire(kNeverStopped);
  ASSERT_TRUE(granted.ok()) << granted.status().to_string();
  EXPECT_EQ(granted->epoch, 3u);
  EXPECT_EQ(granted->workers.at(0).address, "unix:/nowhere");
  EXPECT_EQ(played.notes(), "start; acquire; ");
  EXPECT_TRUE(ended().empty());
}

TEST_F(LeaseTest, MayHaveToWait) {
  Played played("wait");
  EXPECT_TRUE(lease(played)->acquire(kNeverStopped).ok());
}

TEST_F(LeaseTest, ARefusalIsReturnedAndMayBeTriedAgain) {
  Played played("refuse");
  auto asked = lease(played);
  const Status refused = resource_exhausted("no device is free");
  EXPECT_EQ(asked->acquire(kNeverStopped).status(), refused);
  EXPECT_EQ(asked->acquire(kNeverStopped).status(), refused);
  EXPECT_EQ(played.notes(), "start; acquire; acquire; ");
  EXPECT_TRUE(ended().empty()) << "nothing that was granted is over";
}

TEST_F(LeaseTest, AHolderThatRefusesAndEndsIsReplacedAtTheNextTry) {
  Played played("quit");
  auto asked = lease(played);
  const Status refused = resource_exhausted("no device is free");
  EXPECT_EQ(asked->acquire(kNeverStopped).status(), refused);
  EXPECT_EQ(asked->acquire(kNeverStopped).status(), refused);
  EXPECT_EQ(played.count("acquire"), 2u);
}

TEST_F(LeaseTest, StopsWaitingWhenItIsTold) {
  Played played("grant");
  auto asked = lease(played);
  EXPECT_EQ(asked->acquire([] { return true; }).status().code(), Code::kCancelled);
}

TEST_F(LeaseTest, AProgramThatCannotStartIsAnErrorAtOnce) {
  Played played("grant");
  Lease asked({"/nowhere/moai-session", played.start, true}, {});
  EXPECT_EQ(asked.acquire(kNeverStopped).status().code(), Code::kNotFound);
  EXPECT_EQ(asked.acquire(kNeverStopped).status().code(), Code::kNotFound) << "again";
}

// ---- replacement

TEST_F(LeaseTest, AHolderThatDiesIsReplacedByOneWithItsCredential) {
  Played played("grant");
  auto asked = lease(played);
  const auto granted = asked->acquire(kNeverStopped);
  ASSERT_TRUE(granted.ok());
  kill_holder(*granted);
  EXPECT_TRUE(eventually([&] { return played.notes() == "start; acquire; resume; acquire; "; }))
      << played.notes();
  asked->give_back();
  EXPECT_TRUE(eventually([&] { return played.count("give back") == 1; }))
      << "the successor is listened to: " << played.notes();
  EXPECT_TRUE(ended().empty()) << "the running job does not notice";
}

TEST_F(LeaseTest, AHolderThatDiesBeforeTheGrantIsReplacedToo) {
  Played played("die_first");
  const auto granted = lease(played)->acquire(kNeverStopped);
  ASSERT_TRUE(granted.ok()) << granted.status().to_string();
  EXPECT_EQ(granted->flavor, "") << "there was no credential yet";
  EXPECT_EQ(played.count("start"), 2u);
}

TEST_F(LeaseTest, AHolderThatDiesAgainAndAgainIsTheEnd) {
  for (const char* how : {"die", "garbage"}) {
    Played played(how);
    auto asked = lease(played);
    const Status status = asked->acquire(kNeverStopped).status();
    EXPECT_EQ(status.code(), Code::kUnavailable) << how;
    EXPECT_THAT(status.message(), HasSubstr("again and again")) << how;
    EXPECT_EQ(played.count("start"), 6u) << how;
  }
}

TEST_F(LeaseTest, AHolderThatIsKilledTooOftenEndsTheGrantedLease) {
  Played played("grant");
  auto asked = lease(played);
  auto granted = asked->acquire(kNeverStopped);
  for (size_t n = 2; n <= 6; ++n) {
    ASSERT_TRUE(granted.ok());
    kill_holder(*granted);
    ASSERT_TRUE(eventually([&] { return played.count("acquire") == n; })) << played.notes();
    granted = asked->acquire(kNeverStopped);
  }
  ASSERT_TRUE(granted.ok());
  kill_holder(*granted);
  EXPECT_TRUE(eventually([&] { return !ended().empty(); }));
  EXPECT_EQ(ended().at(0).code(), Code::kUnavailable);
}

TEST_F(LeaseTest, NoHolderIsReplacedThatNobodyNeeds) {
  Played played("grant");
  auto asked = lease(played);
  const auto granted = asked->acquire(kNeverStopped);
  ASSERT_TRUE(granted.ok());
  asked->give_back();
  ASSERT_TRUE(eventually([&] { return played.count("give back") == 1; }));
  kill_holder(*granted);
  std::this_thread::sleep_for(milliseconds(50));
  EXPECT_EQ(played.notes(), "start; acquire; give back; ");
  EXPECT_TRUE(asked->acquire(kNeverStopped).ok()) << "the next need starts another";
  EXPECT_EQ(played.count("start"), 2u) << played.notes();
}

// ---- the end

TEST_F(LeaseTest, WhyALinkWasLostIsThePlatformsWord) {
  Played played("grant");
  auto asked = lease(played);
  ASSERT_TRUE(asked->acquire(kNeverStopped).ok());
  const Status why = unavailable("the platform saw it: no byte came");
  EXPECT_EQ(asked->link_lost(0, unavailable("no byte came")), why);
  EXPECT_EQ(played.count("link lost unix:/nowhere"), 1u);
  EXPECT_TRUE(eventually([&] { return !ended().empty(); }));
  EXPECT_EQ(ended(), std::vector{why});
  EXPECT_TRUE(asked->acquire(kNeverStopped).ok()) << "a new lease may be asked for";
}

TEST_F(LeaseTest, APlatformThatSaysNothingIsNotWaitedForLong) {
  Played played("grant");
  auto asked = lease(played);
  ASSERT_TRUE(asked->acquire(kNeverStopped).ok());
  asked->give_back();
  const auto start = steady_clock::now();
  EXPECT_EQ(asked->link_lost(0, unavailable("gone")), unavailable("gone"));
  EXPECT_LT(steady_clock::now() - start, milliseconds(4000));
  EXPECT_EQ(played.count("link lost unix:/nowhere"), 0u) << "it is not ours any more";
}

TEST_F(LeaseTest, MayBeGivenBackFromAnotherThreadAtAnyTime) {
  Played played("grant");
  auto asked = lease(played);
  std::thread other([&] {
    for (int i = 0; i < 20; ++i) {
      asked->give_back();
      std::this_thread::sleep_for(milliseconds(1));
    }
  });
  const auto until = steady_clock::now() + milliseconds(500);
  asked->acquire([&] { return steady_clock::now() > until; }).status().ignore("either way");
  other.join();
}

}  // namespace
}  // namespace moai::driver
