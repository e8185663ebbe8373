#include "moai/control/services/agents.h"

#include <gtest/gtest.h>

#include "moai/control/testing/bench.h"

namespace moai::control {
namespace {

using testing::Back;
using testing::Bench;
using testing::Front;

v1::RunningWorker running(uint64_t epoch, uint32_t device) {
  v1::RunningWorker worker;
  worker.set_epoch(epoch);
  worker.set_device(device);
  worker.set_address("tcp:10.0.0.1:4000");
  return worker;
}

// A bench with one agent of one device and one front that has it.
struct Granted : Bench {
  explicit Granted(MemoryStore* store = nullptr) : Bench({}, store) {
    back = join("a", 1);
    front = open(token);
    acquire(front);
    work(back);
  }
  LeaseState state() const { return site.ledger.leases().begin()->second.state; }
  Back back;
  Front front;
};

TEST(Agents, RegisterIsAnsweredAndListed) {
  Bench bench;
  Back back = bench.join("a", 3);
  EXPECT_EQ(back.sender->messages[0].registered().report_ms(), 1000);
  const auto list = list_agents(bench.site, bench.access(bench.admin), {}).value();
  ASSERT_EQ(list.agents_size(), 1);
  EXPECT_TRUE(list.agents(0).connected());
  EXPECT_EQ(list.agents(0).devices_size(), 3);
}

TEST(Agents, NeedTheirCertificate) {
  Bench bench;
  bench.site.options.agents_need_certificate = true;
  EXPECT_EQ(bench.join("a", 1).sender->end.code(), Code::kUnauthenticated);
  for (const auto& [role, name, code] : {std::tuple{"agent", "a", Code::kOk},
                                         {"agent", "*", Code::kOk},
                                         {"agent", "b", Code::kPermissionDenied},
                                         {"admin", "a", Code::kPermissionDenied}}) {
    Back back = bench.attend();
    back.connection->caller.peer = identity::Identity{role, name};
    v1::AgentUp up;
    up.mutable_register_()->set_name("a");
    bench.say(back, up);
    EXPECT_EQ(back.sender->end.code(), code) << role << "/" << name;
  }
}

TEST(Agents, FirstMessageMustBeRegister) {
  Bench bench;
  Back back = bench.attend();
  bench.report(back);
  EXPECT_EQ(back.sender->end.code(), Code::kFailedPrecondition);
}

TEST(Agents, SameNameReplacesTheFormerStream) {
  Bench bench;
  Back old = bench.join("a", 1);
  Back back = bench.join("a", 1);
  EXPECT_EQ(old.sender->end.code(), Code::kAborted);
  bench.break_stream(old);
  EXPECT_EQ(bench.site.connected_devices(), 1u);
}

TEST(Agents, WorkerThatEndsFailsItsLease) {
  Granted bench;
  bench.ended(bench.back, 1, 0, "killed by signal 9");
  EXPECT_EQ(bench.front.cause(), "worker_ended");
  EXPECT_NE(bench.front.last().ended().text().find("signal 9"), std::string::npos);
  EXPECT_TRUE(bench.site.ledger.leases().empty());
}

TEST(Agents, WorkerThatCannotStartFailsItsLease) {
  Bench bench;
  Back back = bench.join("a", 1);
  Front front = bench.open(bench.token);
  bench.acquire(front);
  bench.ended(back, 1, 0, "no such library");
  EXPECT_EQ(front.cause(), "worker_failed");
  EXPECT_NE(front.last().ended().text().find("Failed to initialize the worker daemon"),
            std::string::npos);
}

TEST(Agents, ReconnectKeepsTheLease) {
  Granted bench;
  bench.break_stream(bench.back);
  bench.pass(3000);
  const size_t said = bench.front.sender->messages.size();
  Back again = bench.join("a", 1, {running(1, 0)});
  EXPECT_EQ(bench.state(), LeaseState::kActive);
  EXPECT_EQ(bench.front.sender->messages.size(), said);
}

TEST(Agents, ReconnectWithoutTheWorkerFailsTheLease) {
  Granted bench;
  bench.break_stream(bench.back);
  Back again = bench.join("a", 1);
  EXPECT_EQ(bench.front.cause(), "worker_ended");
}

TEST(Agents, LostOrderIsRepeatedAtReconnect) {
  Bench bench;
  Back back = bench.join("a", 1);
  Front front = bench.open(bench.token);
  bench.acquire(front);  // the order is on its way
  bench.break_stream(back);
  Back again = bench.join("a", 1);
  bench.work(again);
  EXPECT_TRUE(front.granted());
}

TEST(Agents, StopIsRepeatedAtReconnect) {
  Granted bench;
  bench.break_stream(bench.back);
  bench.give_back(bench.front);
  Back again = bench.join("a", 1, {running(1, 0)});
  bench.work(again);
  EXPECT_TRUE(bench.site.ledger.leases().empty());
}

TEST(Agents, UnknownWorkerIsEndedBeforeItsDeviceIsGiven) {
  Bench bench;
  Back back = bench.join("a", 1, {running(77, 0)});
  Front front = bench.open(bench.token);
  bench.acquire(front);
  EXPECT_EQ(front.cause(), "no_free_device");
  bench.work(back);
  EXPECT_TRUE(front.granted());
}

TEST(Agents, SilentOneGetsNoNewLeaseButKeepsTheOld) {
  Granted bench;
  for (int i = 0; i < 3; ++i) {
    bench.pass(3000);
    bench.beat(bench.front);
    bench.tick();
  }
  EXPECT_TRUE(bench.back.sender->ended);
  EXPECT_EQ(bench.state(), LeaseState::kActive);
  EXPECT_EQ(bench.site.connected_devices(), 0u);
}

TEST(Agents, BeyondItsSelfFenceTimeTheLeaseFails) {
  Granted bench;
  bench.break_stream(bench.back);
  for (int i = 0; i < 640; ++i) {
    bench.pass(1000);
    bench.beat(bench.front);
    bench.tick();
    if (i < 600) {
      ASSERT_EQ(bench.state(), LeaseState::kActive) << i;
    }
  }
  EXPECT_EQ(bench.front.cause(), "worker_ended");
  EXPECT_TRUE(bench.site.ledger.leases().empty());
}

TEST(Agents, RunningLeaseSurvivesAMasterRestart) {
  MemoryStore store;
  std::string token, resume;
  {
    Granted bench(&store);
    token = bench.token;
    resume = bench.front.resume();
  }
  Bench successor({}, &store);
  EXPECT_TRUE(successor.site.ledger.sessions().size() == 1);
  Back back = successor.join("a", 1, {running(1, 0)});
  v1::Open open;
  open.set_resume(resume);
  Front front = successor.open(token, open);
  ASSERT_TRUE(front.granted());
  EXPECT_EQ(front.last().granted().epoch(), 1u);
  successor.acquire(front);
  EXPECT_EQ(front.last().granted().epoch(), 1u);
}

TEST(Agents, AfterARestartAWorkerThatIsGoneIsNotStartedAgain) {
  MemoryStore store;
  {
    Granted bench(&store);
  }
  Bench successor({}, &store);
  Back back = successor.join("a", 1);
  for (const auto& order : back.sender->messages) EXPECT_FALSE(order.has_start_worker());
  EXPECT_TRUE(successor.site.ledger.leases().empty());
}

TEST(Agents, AfterARestartSilentDevicesAreFencedFirst) {
  MemoryStore store;
  {
    Granted bench(&store);
  }
  Bench successor({}, &store);
  successor.pass(599000);
  successor.tick();
  EXPECT_EQ(successor.site.ledger.leases().size(), 1u);
  successor.pass(40000);
  successor.tick();
  EXPECT_TRUE(successor.site.ledger.leases().empty());
}

TEST(Agents, SessionsThatDoNotComeBackAfterARestartEnd) {
  MemoryStore store;
  {
    Granted bench(&store);
  }
  Bench successor({}, &store);
  successor.pass(59000);
  successor.tick();
  EXPECT_EQ(successor.site.ledger.sessions().size(), 1u);
  successor.pass(2000);
  successor.tick();
  EXPECT_TRUE(successor.site.ledger.sessions().empty());
}

TEST(Agents, WithoutAGraceSessionsOfAFormerMasterEndAtOnce) {
  MemoryStore store;
  std::string token;
  {
    Bench bench({}, &store);
    token = bench.token;
    Back back = bench.join("a", 1);
    Front front = bench.open(bench.token);
    bench.acquire(front);
    bench.work(back);
  }
  Options options;
  options.restart_grace_ms = 0;
  Bench after(options, &store);
  after.tick();
  EXPECT_TRUE(after.site.ledger.sessions().empty());
  Back back = after.join("a", 1);
  EXPECT_TRUE(after.site.ledger.leases().empty());
  Front front = after.open(token);
  after.acquire(front);
  after.work(back);
  EXPECT_TRUE(front.granted());
}

TEST(Agents, EpochsGoOnGrowingAfterARestart) {
  MemoryStore store;
  std::string token;
  {
    Granted bench(&store);
    token = bench.token;
    bench.close(bench.front);
    bench.work(bench.back);
  }
  Bench successor({}, &store);
  Back back = successor.join("a", 1);
  Front front = successor.open(token);
  successor.acquire(front);
  successor.work(back);
  EXPECT_EQ(front.last().granted().epoch(), 2u);
}

}  // namespace
}  // namespace moai::control
