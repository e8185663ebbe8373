#include "moai/driver/lease/lease_connector.h"

#include <gmock/gmock.h>

#include "moai/base/log.h"
#include "moai/driver/testing/played_lease.h"

namespace moai::driver {
namespace {

using testing::EndsWith;
using testing::StartsWith;

const auto kNeverStopped = [] { return false; };

class LeaseConnectorTest : public testing::Test {
 protected:
  LeaseConnectorTest() { set_log_level(LogLevel::kOff); }
  ~LeaseConnectorTest() override { set_log_level(LogLevel::kInfo); }

  // Options of a driver whose holder is the played one.
  static DriverOptions options(const Played& played) {
    DriverOptions options;
    options.session_program = Played::program();
    options.framework = "pytorch-2.13.0";
    options.command = "python train.py";
    options.flavor = played.start.flavor;
    options.token = played.start.token;
    options.device = played.start.device;
    options.quiet = true;
    return options;
  }
};

TEST_F(LeaseConnectorTest, LeadsToTheWorkerOfTheLease) {
  Played played("grant");
  auto listener = comm::listen("unix:" + played.start.token + "_worker");
  ASSERT_TRUE(listener.ok()) << listener.status().to_string();
  played.start.device = (*listener)->address();
  LeaseConnector connector(options(played), {});
  const auto connected = connector.connect(kNeverStopped);
  ASSERT_TRUE(connected.ok()) << connected.status().to_string();
  EXPECT_EQ(connected->memory_bytes, uint64_t{1} << 20);
  EXPECT_EQ(connected->hello.epoch, 3u);
  EXPECT_EQ(connected->hello.secret, std::string(32, 's'));
  EXPECT_EQ(connected->hello.torch_version, "2.13.0");
  EXPECT_THAT(connected->hello.client, StartsWith("pid "));
  EXPECT_THAT(connected->hello.client, EndsWith(" python train.py"));
  connector.give_back();
  EXPECT_TRUE(eventually([&] { return played.count("give back") == 1; }));
}

TEST_F(LeaseConnectorTest, AWorkerThatCannotBeReachedIsAnError) {
  Played played("grant");
  LeaseConnector connector(options(played), {});
  EXPECT_EQ(connector.connect(kNeverStopped).status().code(), Code::kUnavailable);
}

TEST_F(LeaseConnectorTest, ARefusalComesInThePlatformsWords) {
  Played played("refuse");
  LeaseConnector connector(options(played), {});
  EXPECT_EQ(connector.connect(kNeverStopped).status(), resource_exhausted("no device is free"));
}

TEST_F(LeaseConnectorTest, StopsWaitingWhenItIsTold) {
  Played played("never");
  LeaseConnector connector(options(played), {});
  EXPECT_EQ(connector.connect([] { return true; }).status().code(), Code::kCancelled);
}

TEST_F(LeaseConnectorTest, ALostLinkIsExplainedByThePlatform) {
  Played played("grant");
  auto listener = comm::listen("unix:" + played.start.token + "_worker");
  ASSERT_TRUE(listener.ok());
  played.start.device = (*listener)->address();
  std::mutex mutex;
  Status ended;
  LeaseConnector connector(options(played), [&](const Status& status) {
    const std::lock_guard lock(mutex);
    ended = status;
  });
  ASSERT_TRUE(connector.connect(kNeverStopped).ok());
  const Status why = unavailable("the platform saw it: no byte came");
  EXPECT_EQ(connector.lost(unavailable("no byte came")), why);
  EXPECT_TRUE(eventually([&] {
    const std::lock_guard lock(mutex);
    return ended == why;
  }));
}

}  // namespace
}  // namespace moai::driver
