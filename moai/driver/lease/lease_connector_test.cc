#include "moai/driver/lease/lease_connector.h"

#include <gmock/gmock.h>

#include "moai/base/log.h"
#include "moai/driver/testing/played_lease.h"

namespace moai::driver {
namespace {

using testing::EndsWith;
using testing::HasSubstr;
using testing::StartsWith;

const auto kNeverStopped = [] { return false; };
const auto kIgnored = [](const Status&) {};

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
  LeaseConnector connector(options(played), kIgnored);
  const auto connected = connector.connect(kNeverStopped);
  ASSERT_TRUE(connected.ok()) << connected.status().to_string();
  EXPECT_EQ(connected->memory_bytes, uint64_t{1} << 20);
  ASSERT_EQ(connected->workers.size(), 1u);
  const ConnectedWorker& worker = connected->workers[0];
  EXPECT_EQ(worker.hello.epoch, 3u);
  EXPECT_EQ(worker.hello.secret, std::string(32, 's'));
  EXPECT_EQ(worker.hello.torch_version, "2.13.0");
  EXPECT_THAT(worker.hello.client, StartsWith("pid "));
  EXPECT_THAT(worker.hello.client, EndsWith(" python train.py"));
  EXPECT_EQ(worker.name, "device 0 of node back01");
  EXPECT_EQ(worker.link->counters().frames_sent, 0u);
  EXPECT_EQ(played.notes(), "start; acquire; ") << "no word more than the lease needs";
  connector.give_back();
  EXPECT_TRUE(eventually([&] { return played.count("give back") == 1; }));
}

// Workers of one lease, as far as who connects sees them.
struct Listeners {
  Listeners(const Played& played, size_t count) {
    for (size_t rank = 0; rank < count; ++rank) {
      auto listener = comm::listen("unix:" + played.start.token + "_" + std::to_string(rank));
      EXPECT_TRUE(listener.ok()) << listener.status().to_string();
      addresses += (rank ? ";" : "") + (*listener)->address();
      all.push_back(std::move(*listener));
    }
  }
  std::vector<std::unique_ptr<comm::Listener>> all;
  std::string addresses;
};

TEST_F(LeaseConnectorTest, LeadsToAllWorkersByRank) {
  Played played("grant");
  Listeners listeners(played, 4);
  played.start.device = listeners.addresses;
  LeaseConnector connector(options(played), kIgnored);
  const auto connected = connector.connect(kNeverStopped);
  ASSERT_TRUE(connected.ok()) << connected.status().to_string();
  EXPECT_EQ(connected->memory_bytes, uint64_t{4} << 20) << "of all devices";
  ASSERT_EQ(connected->workers.size(), 4u);
  for (size_t rank = 0; rank < 4; ++rank) {
    const ConnectedWorker& worker = connected->workers[rank];
    EXPECT_THAT(worker.link->peer(), HasSubstr(listeners.all[rank]->address()));
    EXPECT_EQ(worker.hello.secret, std::string(32, static_cast<char>('s' + rank)));
    EXPECT_EQ(worker.hello.epoch, 3u);
    EXPECT_EQ(worker.host_id, "here");
    EXPECT_EQ(worker.link->counters().frames_sent, 0u);
  }
  EXPECT_EQ(connected->workers[2].name, "rank 2 of 4 (device 2 of node back01)");
  EXPECT_EQ(played.notes(), "start; acquire; ") << "no more words than for one device";
  EXPECT_EQ(connector.lost(3, unavailable("no byte came")).message(),
            "the platform saw it: no byte came");
  EXPECT_EQ(played.count("link lost " + listeners.all[3]->address()), 1u);
}

TEST_F(LeaseConnectorTest, OneOfSeveralThatCannotBeReachedIsNamedAndEndsTheLease) {
  Played played("grant");
  Listeners listeners(played, 4);
  played.start.device = listeners.addresses;
  const std::string address = listeners.all[2]->address();
  listeners.all[2].reset();
  LeaseConnector connector(options(played), kIgnored);
  const Status status = connector.connect(kNeverStopped).status();
  EXPECT_EQ(status.code(), Code::kUnavailable);
  EXPECT_THAT(status.message(), HasSubstr("no link to rank 2 of 4 (device 2 of node back01): "));
  EXPECT_EQ(played.count("link lost " + address), 1u);
}

TEST_F(LeaseConnectorTest, AWorkerThatCannotBeReachedIsAnError) {
  Played played("grant");
  LeaseConnector connector(options(played), kIgnored);
  EXPECT_EQ(connector.connect(kNeverStopped).status().code(), Code::kUnavailable);
}

TEST_F(LeaseConnectorTest, ARefusalComesInThePlatformsWords) {
  Played played("refuse");
  LeaseConnector connector(options(played), kIgnored);
  EXPECT_EQ(connector.connect(kNeverStopped).status(), resource_exhausted("no device is free"));
}

TEST_F(LeaseConnectorTest, StopsWaitingWhenItIsTold) {
  Played played("never");
  LeaseConnector connector(options(played), kIgnored);
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
  EXPECT_EQ(connector.lost(0, unavailable("no byte came")), why);
  EXPECT_TRUE(eventually([&] {
    const std::lock_guard lock(mutex);
    return ended == why;
  }));
}

}  // namespace
}  // namespace moai::driver
