#include "moai/agent/agent.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "moai/agent/probe/simulated.h"
#include "moai/agent/testing/fake_host.h"
#include "moai/base/log.h"
#include "moai/base/testing/temporary_directory.h"

namespace moai::agent {
namespace {

class AgentTest : public testing::Test {
 protected:
  AgentTest() {
    set_log_level(LogLevel::kOff);
    options_.name = "back01";
    options_.host = "127.0.0.1";
    options_.state_path = directory_.path() + "/state.json";
    options_.boot_id = "this boot";
    options_.host_id = "this memory";
    options_.self_fence_ms = 10'000;
    options_.report_ms = 1000;
    make();
    EXPECT_TRUE(agent_->recover(now_ms_).ok());
    attach();
  }

  void make() {
    host_ = std::make_unique<FakeHost>();
    agent_ = std::make_unique<Agent>(options_, probe_.get(), host_.get());
  }
  void attach() {
    v1::AgentDown message;
    message.mutable_registered()->set_report_ms(1000);
    agent_->receive(message, now_ms_);
    agent_->take_outgoing();
  }
  void start(uint64_t epoch, uint32_t device = 0) {
    v1::AgentDown message;
    message.mutable_start_worker()->set_epoch(epoch);
    message.mutable_start_worker()->set_device(device);
    message.mutable_start_worker()->set_secret("secret");
    message.mutable_start_worker()->set_memory_bytes(77);
    agent_->receive(message, now_ms_);
  }
  void stop(uint64_t epoch, uint32_t device = 0) {
    v1::AgentDown message;
    message.mutable_stop_worker()->set_epoch(epoch);
    message.mutable_stop_worker()->set_device(device);
    message.mutable_stop_worker()->set_why("released");
    agent_->receive(message, now_ms_);
  }
  void heartbeat() {
    v1::AgentDown message;
    message.mutable_heartbeat();
    agent_->receive(message, now_ms_);
  }
  void pass(int64_t ms) {
    now_ms_ += ms;
    agent_->advance(now_ms_);
  }
  // Everything said since the last call but reports: "ready 7 unix:w0", "ended 7 why".
  std::vector<std::string> said() {
    agent_->advance(now_ms_);
    std::vector<std::string> all;
    for (const v1::AgentUp& up : agent_->take_outgoing()) {
      if (up.has_worker_ready()) {
        all.push_back("ready " + std::to_string(up.worker_ready().epoch()) + " " +
                      up.worker_ready().address());
      } else if (up.has_worker_ended()) {
        all.push_back("ended " + std::to_string(up.worker_ended().epoch()) + " " +
                      up.worker_ended().evidence());
      }
    }
    return all;
  }
  using Said = std::vector<std::string>;

  TemporaryDirectory directory_;
  AgentOptions options_;
  std::unique_ptr<Probe> probe_ = simulated_probe({.devices = 2, .memory_bytes = 1000});
  std::unique_ptr<FakeHost> host_;
  std::unique_ptr<Agent> agent_;
  int64_t now_ms_ = 100'000;
};

TEST_F(AgentTest, TheRegistrationNamesNodeAndDevices) {
  const v1::Register r = agent_->registration().register_();
  EXPECT_EQ(r.name(), "back01");
  EXPECT_EQ(r.self_fence_ms(), 10'000);
  EXPECT_EQ(r.host_id(), "this memory");
  ASSERT_EQ(r.devices_size(), 2);
  EXPECT_EQ(r.devices(1).index(), 1u);
  EXPECT_EQ(r.devices(1).memory_bytes(), 1000u);
  EXPECT_TRUE(r.devices(1).simulated());
  EXPECT_EQ(r.workers_size(), 0);
}

TEST_F(AgentTest, AnOrderStartsAWorkerAndItsAddressIsTold) {
  start(7);
  ASSERT_EQ(host_->started.size(), 1u);
  EXPECT_EQ(host_->started[0].secret, "secret");
  EXPECT_EQ(host_->started[0].memory_bytes, 77u);
  EXPECT_EQ(host_->started[0].kind, "cpu");
  EXPECT_EQ(said(), Said{});
  host_->becomes_ready(0);
  EXPECT_EQ(said(), Said{"ready 7 unix:w0"});
  EXPECT_EQ(agent_->registration().register_().workers(0).address(), "unix:w0");
}

TEST_F(AgentTest, WorkersOfALeaseAreToldOfEachOther) {
  v1::AgentDown order;
  order.mutable_start_worker()->set_epoch(7);
  order.mutable_start_worker()->set_device(1);
  order.mutable_start_worker()->set_rank(3);
  order.mutable_start_worker()->set_ranks(4);
  order.mutable_start_worker()->set_group_secret("group");
  agent_->receive(order, now_ms_);
  start(6, 0);
  ASSERT_EQ(host_->started.size(), 2u);
  EXPECT_EQ(host_->started[0].rank, 3u);
  EXPECT_EQ(host_->started[0].ranks, 4u);
  EXPECT_EQ(host_->started[0].group_secret, "group");
  EXPECT_EQ(host_->started[1].ranks, 1u);

  v1::AgentDown told;
  told.mutable_introduce()->set_epoch(7);
  told.mutable_introduce()->add_peers()->set_address("tcp:h:1");
  told.mutable_introduce()->mutable_peers(0)->set_host_id("here");
  agent_->receive(told, now_ms_);
  const std::vector<identity::Peer> peers = {{"tcp:h:1", "here"}};
  EXPECT_EQ(host_->introduced, (std::map<uint32_t, std::vector<identity::Peer>>{{1, peers}}))
      << "those of the epoch only";
  EXPECT_TRUE(host_->stopped.empty());
  host_->introduce_error = resource_exhausted("too long");
  agent_->receive(told, now_ms_);
  EXPECT_EQ(host_->stopped[1], "too long");
}

TEST_F(AgentTest, ARepeatedOrderHasTheSameOutcome) {
  start(7);
  start(7);
  EXPECT_EQ(host_->started.size(), 1u);
  host_->becomes_ready(0);
  said();
  start(7);
  EXPECT_EQ(said(), Said{"ready 7 unix:w0"});
  host_->ends(0, "killed by signal 11");
  EXPECT_EQ(said(), Said{"ended 7 killed by signal 11"});
  start(7);
  EXPECT_EQ(said(), Said{"ended 7 killed by signal 11"});
  EXPECT_EQ(host_->started.size(), 1u) << "an epoch is used once";
}

TEST_F(AgentTest, AnOlderEpochIsRefused) {
  start(7);
  start(6);
  EXPECT_EQ(said(), Said{"ended 6 refused: the newer epoch 7 is known on device 0"});
  EXPECT_EQ(host_->started.size(), 1u);
  start(6, 1);
  EXPECT_EQ(host_->started.size(), 2u) << "epochs count by device";
}

TEST_F(AgentTest, ANewerEpochWaitsForTheEndOfTheWorkerBefore) {
  start(7);
  start(8);
  EXPECT_EQ(host_->started.size(), 1u);
  EXPECT_EQ(host_->stopped[0], "replaced by epoch 8");
  host_->ends(0, "replaced by epoch 8");
  EXPECT_EQ(said(), Said{"ended 7 replaced by epoch 8"});
  ASSERT_EQ(host_->started.size(), 2u);
  EXPECT_EQ(host_->started[1].epoch, 8u);
}

TEST_F(AgentTest, AWaitingOrderGivesWayToANewerOne) {
  start(7);
  start(8);
  start(9);
  EXPECT_EQ(said(), Said{"ended 8 replaced before it started"});
  host_->ends(0, "x");
  said();
  ASSERT_EQ(host_->started.size(), 2u);
  EXPECT_EQ(host_->started[1].epoch, 9u);
}

TEST_F(AgentTest, StopEndsTheWorkerOfItsEpochOnly) {
  start(7);
  stop(6);
  EXPECT_TRUE(host_->stopped.empty());
  EXPECT_EQ(said(), Said{"ended 6 released"});
  stop(7);
  EXPECT_EQ(host_->stopped[0], "released");
  host_->ends(0, "released");
  EXPECT_EQ(said(), Said{"ended 7 released"});
}

TEST_F(AgentTest, AStopThatOvertookItsStartWins) {
  stop(9);
  EXPECT_EQ(said(), Said{"ended 9 released"});
  start(9);
  EXPECT_EQ(said(), Said{"ended 9 released"});
  EXPECT_TRUE(host_->started.empty());
}

TEST_F(AgentTest, StopTakesAWaitingOrderBack) {
  start(7);
  start(8);
  stop(8);
  EXPECT_EQ(said(), Said{"ended 8 released"});
  host_->ends(0, "x");
  said();
  EXPECT_EQ(host_->started.size(), 1u);
}

TEST_F(AgentTest, FailuresToStartAreTold) {
  host_->start_error = not_found("cannot start moai-worker");
  start(7);
  EXPECT_EQ(said(), Said{"ended 7 cannot start moai-worker"});
  start(1, 5);
  EXPECT_EQ(said(), Said{"ended 1 refused: this node has no device 5"});
}

TEST_F(AgentTest, WhatHappenedWhileAwayIsToldAfterwards) {
  start(7);
  start(3, 1);
  agent_->detached();
  host_->becomes_ready(0);
  host_->ends(1, "crashed");
  EXPECT_EQ(said(), Said{});
  v1::AgentDown message;
  message.mutable_registered()->set_report_ms(1000);
  agent_->receive(message, now_ms_);
  EXPECT_EQ(said(), (Said{"ended 3 crashed", "ready 7 unix:w0"}));
}

TEST_F(AgentTest, WorkersEndWhenTheMasterIsNotHeardForTheSelfFenceTime) {
  start(7);
  agent_->detached();
  pass(10'000);
  EXPECT_TRUE(host_->stopped.empty());
  pass(1);
  EXPECT_EQ(host_->stopped[0], "self-fence: SDAManager was not heard for 10 s");
}

TEST_F(AgentTest, AnySignOfTheMasterHoldsTheFenceBack) {
  start(7);
  for (int i = 0; i < 10; ++i) {
    pass(9'000);
    heartbeat();
  }
  EXPECT_TRUE(host_->stopped.empty());
}

TEST_F(AgentTest, AFenceTimeThatPassedInASuspendCannotBeUndoneByOldMessages) {
  start(7);
  pass(3'600'000);
  heartbeat();
  EXPECT_EQ(host_->stopped.size(), 1u);
}

TEST_F(AgentTest, TheFenceAppliesAcrossARestart) {
  heartbeat();
  start(7);
  auto child = spawn({.argv = {"sleep", "60"}});
  ASSERT_TRUE(child.ok());
  auto state = load_state(options_.state_path);
  ASSERT_TRUE(state.ok());
  state->workers[0] = {0, 7, *process_id(*child), "unix:w0"};
  ASSERT_TRUE(save_state(options_.state_path, *state).ok());
  make();
  now_ms_ += 9'000;
  ASSERT_TRUE(agent_->recover(now_ms_).ok());
  EXPECT_EQ(host_->workers.size(), 1u) << "adopted";
  pass(2'000);
  EXPECT_EQ(host_->stopped.size(), 1u);
  ::kill(static_cast<pid_t>(*child), SIGKILL);
  ::waitpid(static_cast<pid_t>(*child), nullptr, 0);
}

TEST_F(AgentTest, ASuccessorAdoptsOnlyTheNewestReadyWorkers) {
  start(7);
  start(4, 1);
  auto newest = spawn({.argv = {"sleep", "60"}});
  auto stale = spawn({.argv = {"sleep", "60"}});
  ASSERT_TRUE(newest.ok() && stale.ok());
  auto state = load_state(options_.state_path);
  ASSERT_TRUE(state.ok());
  state->workers[0] = {0, 7, *process_id(*newest), "unix:w0"};
  state->workers[1] = {1, 3, *process_id(*stale), "unix:w1"};
  ASSERT_TRUE(save_state(options_.state_path, *state).ok());
  make();
  ASSERT_TRUE(agent_->recover(now_ms_).ok());
  ASSERT_EQ(host_->workers.size(), 1u);
  EXPECT_EQ(host_->workers[0].epoch, 7u);
  int status = 0;
  EXPECT_EQ(::waitpid(static_cast<pid_t>(*stale), &status, 0), *stale);
  EXPECT_EQ(WTERMSIG(status), SIGKILL);
  const v1::Register registration = agent_->registration().register_();
  EXPECT_EQ(registration.workers(0).address(), "unix:w0");
  attach();
  start(6);
  EXPECT_EQ(said()[0], "ended 6 refused: the newer epoch 7 is known on device 0")
      << "epochs are remembered";
  ::kill(static_cast<pid_t>(*newest), SIGKILL);
  ::waitpid(static_cast<pid_t>(*newest), nullptr, 0);
}

TEST_F(AgentTest, NothingIsAdoptedFromAnotherBoot) {
  auto state = load_state(options_.state_path);
  ASSERT_TRUE(state.ok());
  state->newest_epochs[0] = 7;
  state->workers[0] = {0, 7, *process_id(::getpid()), "unix:w0"};
  ASSERT_TRUE(save_state(options_.state_path, *state).ok());
  options_.boot_id = "another boot";
  make();
  ASSERT_TRUE(agent_->recover(now_ms_).ok());
  EXPECT_TRUE(host_->workers.empty());
  attach();
  start(6);
  EXPECT_EQ(host_->started.size(), 0u) << "but epochs hold";
}

TEST_F(AgentTest, ADamagedStateStopsTheAgentFromRegistering) {
  ASSERT_TRUE(save_state(options_.state_path, {}).ok());
  ASSERT_EQ(::truncate(options_.state_path.c_str(), 5), 0);
  make();
  EXPECT_EQ(agent_->recover(now_ms_).code(), Code::kDataLoss);
}

TEST_F(AgentTest, ReportsComeAtTheIntervalAndNameTheEpoch) {
  start(7, 1);
  agent_->take_outgoing();
  pass(1000);
  const auto messages = agent_->take_outgoing();
  ASSERT_EQ(messages.size(), 1u);
  const v1::Report& report = messages[0].report();
  ASSERT_EQ(report.devices_size(), 2);
  EXPECT_EQ(report.devices(0).epoch(), 0u);
  EXPECT_EQ(report.devices(1).epoch(), 7u);
  EXPECT_GT(report.devices(0).temperature_c(), 0);
  EXPECT_FALSE(report.devices(0).has_power_w() && report.devices(0).power_w() <= 0);
  pass(500);
  EXPECT_TRUE(agent_->take_outgoing().empty());
  EXPECT_EQ(*agent_->next_deadline_ms(), now_ms_ + 500);
}

TEST_F(AgentTest, AnOrderlyEndTakesTheWorkersAlong) {
  start(7);
  start(8);
  agent_->end_workers("the agent ends", now_ms_);
  EXPECT_EQ(host_->stopped.size(), 1u);
  EXPECT_FALSE(agent_->idle());
  host_->ends(0, "the agent ends");
  said();
  EXPECT_TRUE(agent_->idle()) << "what waited does not start any more";
}

}  // namespace
}  // namespace moai::agent
