#include "moai/driver/stream/greeting.h"

#include <gmock/gmock.h>

#include "moai/driver/testing/scripted_worker.h"

namespace moai::driver {
namespace {

using std::chrono::milliseconds;
using testing::HasSubstr;

constexpr milliseconds kLong{20'000};

// Three Workers of one lease that say what the test tells them.
class GreetingTest : public testing::Test {
 protected:
  GreetingTest() : played_(3) {
    for (size_t rank = 0; rank < 3; ++rank) {
      ConnectedWorker worker;
      worker.link = played_[rank].front();
      worker.hello.secret = std::string(dispatch::kSecretBytes, static_cast<char>('a' + rank));
      worker.hello.epoch = 7;
      worker.name = "rank " + std::to_string(rank) + " of 3";
      workers_.push_back(std::move(worker));
    }
  }
  void welcome(size_t at, uint32_t rank, uint32_t ranks = 3) {
    played_[at].say(dispatch::Welcome{.worker = "w", .rank = rank, .ranks = ranks});
  }
  Status greet(milliseconds within = kLong) { return greet_all(workers_, within, {}).status(); }

  std::vector<ScriptedWorker> played_;
  std::vector<ConnectedWorker> workers_;
};

TEST_F(GreetingTest, TakesOneRoundTripForAll) {
  for (uint32_t rank = 0; rank < 3; ++rank) welcome(rank, rank);
  const auto welcomes = greet_all(workers_, kLong, {});
  ASSERT_TRUE(welcomes.ok()) << welcomes.status().to_string();
  ASSERT_EQ(welcomes->size(), 3u);
  for (size_t rank = 0; rank < 3; ++rank) {
    EXPECT_EQ((*welcomes)[rank].rank, rank);
    EXPECT_EQ(played_[rank].expect<dispatch::Hello>().secret, workers_[rank].hello.secret);
    EXPECT_EQ(workers_[rank].link->counters().frames_sent, 1u);
    EXPECT_EQ(workers_[rank].link->counters().frames_received, 1u);
  }
}

TEST_F(GreetingTest, HearsNobodyBeforeAllAreGreeted) {
  EXPECT_EQ(greet(milliseconds(50)).code(), Code::kDeadlineExceeded);
  for (auto& worker : played_) worker.expect<dispatch::Hello>();
}

TEST_F(GreetingTest, WhoRefusesIsNamed) {
  welcome(0, 0);
  played_[1].say(dispatch::Refused{.code = Code::kPermissionDenied, .text = "epoch 6"});
  const Status status = greet();
  EXPECT_EQ(status.code(), Code::kPermissionDenied);
  EXPECT_EQ(status.message(), "rank 1 of 3: epoch 6");
}

TEST_F(GreetingTest, AnotherRankThanExpectedIsOurFault) {
  welcome(0, 0);
  welcome(1, 2);
  welcome(2, 1);
  const Status status = greet();
  EXPECT_EQ(status.code(), Code::kInternal);
  EXPECT_THAT(status.message(), HasSubstr("rank 1 of 3: "));
  EXPECT_THAT(status.message(), HasSubstr("it says that it is rank 2 of 3"));
}

TEST_F(GreetingTest, AnotherNumberOfWorkersThanExpectedIsOurFault) {
  welcome(0, 0, 4);
  EXPECT_THAT(greet().message(), HasSubstr("rank 0 of 3: [driver.greeting] it says that it is rank "
                                           "0 of 4"));
}

}  // namespace
}  // namespace moai::driver
