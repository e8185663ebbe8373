#include "moai/agent/spawn/process_host.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>

#include <fstream>

#include "moai/base/testing/temporary_directory.h"

namespace moai::agent {
namespace {

using Kind = WorkerEvent::Kind;

class ProcessHostTest : public testing::Test {
 protected:
  ProcessHostTest() {
    options_.program = program_directory() + "/agent_fake_worker";
    options_.directory = options_.socket_directory = directory_.path();
    options_.stop_ms = 100;
    host_ = process_host(options_);
  }
  ~ProcessHostTest() override {
    for (const RunningProcess& worker : host_->running()) {
      ::kill(static_cast<pid_t>(worker.process.pid), SIGKILL);
    }
  }

  WorkerOrder order(uint32_t device, uint64_t epoch, uint64_t behaviour = 0) {
    return {device, epoch, "cpu", "open sesame", behaviour, "job 1"};
  }

  // One of two Workers.
  WorkerOrder order_of_two(uint32_t rank) {
    WorkerOrder one = order(rank, 1);
    one.rank = rank;
    one.ranks = 2;
    one.group_secret = " for all";
    return one;
  }
  bool logs(uint32_t device, const std::string& text) {
    for (int i = 0; i < 1000 && log(device).find(text) == std::string::npos; ++i) ::usleep(10'000);
    return log(device).find(text) != std::string::npos;
  }

  // Lets real time pass until the next event, at most 10 s.
  WorkerEvent next() {
    for (int i = 0; i < 1000 && waiting_.empty(); ++i) {
      auto fds = host_->descriptors();
      ::poll(fds.data(), fds.size(), 10);
      now_ms_ += 10;
      waiting_ = host_->advance(now_ms_);
    }
    if (waiting_.empty()) return {Kind::kEnded, 99, 0, "no event"};
    WorkerEvent event = waiting_.front();
    waiting_.erase(waiting_.begin());
    return event;
  }

  std::string log(uint32_t device) {
    std::ifstream file(directory_.path() + "/worker-" + std::to_string(device) + ".log");
    return {std::istreambuf_iterator<char>(file), {}};
  }

  TemporaryDirectory directory_;
  ProcessHostOptions options_;
  std::unique_ptr<WorkerHost> host_;
  std::vector<WorkerEvent> waiting_;
  int64_t now_ms_ = 1000;
};

TEST_F(ProcessHostTest, AWorkerGetsItsSecretAndTellsItsAddress) {
  auto process = host_->start(order(2, 7), now_ms_);
  ASSERT_TRUE(process.ok()) << process.status().to_string();
  const WorkerEvent event = next();
  EXPECT_EQ(event.kind, Kind::kReady);
  EXPECT_EQ(event.device, 2u);
  EXPECT_EQ(event.epoch, 7u);
  EXPECT_EQ(event.text, "unix:" + directory_.path() + "/w2-7.sock");
  EXPECT_EQ(log(2), "secret open sesame\n");
  EXPECT_EQ(host_->on_device(2)->address, event.text);
  std::ifstream command("/proc/" + std::to_string(process->pid) + "/cmdline");
  const std::string arguments((std::istreambuf_iterator<char>(command)), {});
  EXPECT_EQ(arguments.find("sesame"), std::string::npos);
}

TEST_F(ProcessHostTest, OneOfSeveralGetsItsRankTheGroupsSecretAndItsPeers) {
  const std::vector<identity::Peer> peers = {{"unix:a", "h"}, {"unix:b", "h"}};
  ASSERT_TRUE(host_->start(order_of_two(0), now_ms_).ok());
  ASSERT_TRUE(host_->start(order_of_two(1), now_ms_).ok());
  EXPECT_EQ(next().kind, Kind::kReady);
  EXPECT_EQ(next().kind, Kind::kReady);
  EXPECT_EQ(host_->introduce(1, peers), ok_status());
  EXPECT_TRUE(logs(1, "secret open sesame for all\nrank 1 of 2\npeers 19 bytes\n")) << log(1);
  EXPECT_EQ(host_->introduce(1, peers), ok_status()) << "told once";
  EXPECT_EQ(host_->introduce(7, peers), ok_status()) << "nobody is there";
  EXPECT_TRUE(logs(0, "rank 0 of 2\n"));
  EXPECT_EQ(log(0).find("peers"), std::string::npos) << "not told yet";
}

TEST_F(ProcessHostTest, AWorkerOfItsOwnHasNothingToBeTold) {
  ASSERT_TRUE(host_->start(order(0, 1), now_ms_).ok());
  next();
  EXPECT_EQ(host_->introduce(0, {{"unix:a", "h"}}), ok_status());
  EXPECT_EQ(log(0), "secret open sesame\n");
}

TEST_F(ProcessHostTest, AWorkerThatDiedIsNotTold) {
  ASSERT_TRUE(host_->start(order_of_two(0), now_ms_).ok());
  next();
  ::kill(static_cast<pid_t>(host_->on_device(0)->process.pid), SIGKILL);
  for (int i = 0; i < 1000 && is_alive(host_->on_device(0)->process); ++i) ::usleep(10'000);
  EXPECT_EQ(host_->introduce(0, {{"unix:a", "h"}, {"unix:b", "h"}}), ok_status());
  EXPECT_NE(next().text.find("signal 9"), std::string::npos);
}

TEST_F(ProcessHostTest, AWorkerWhoseAgentIsGoneHearsThatNobodyTellsItAnyMore) {
  ASSERT_TRUE(host_->start(order_of_two(0), now_ms_).ok());
  next();
  const RunningProcess worker = *host_->on_device(0);
  host_ = process_host(options_);
  ASSERT_TRUE(host_->adopt(worker).ok());
  EXPECT_TRUE(logs(0, "peers 0 bytes\n"));
  EXPECT_EQ(host_->introduce(0, {{"unix:a", "h"}, {"unix:b", "h"}}), ok_status());
}

TEST_F(ProcessHostTest, AListThatDoesNotFitIsAnError) {
  ASSERT_TRUE(host_->start(order_of_two(0), now_ms_).ok());
  const std::vector<identity::Peer> peers(2, {std::string(16 << 20, 'x'), ""});
  EXPECT_EQ(host_->introduce(0, peers).code(), Code::kResourceExhausted);
}

TEST_F(ProcessHostTest, AStoppedWorkerEndsWithTheReasonOfItsEnd) {
  auto process = host_->start(order(0, 1), now_ms_);
  ASSERT_TRUE(process.ok());
  next();
  host_->stop(0, "lease released", now_ms_);
  const WorkerEvent event = next();
  EXPECT_EQ(event.kind, Kind::kEnded);
  EXPECT_EQ(event.text, "lease released");
  EXPECT_FALSE(host_->on_device(0));
  EXPECT_FALSE(is_alive(*process));
}

TEST_F(ProcessHostTest, AWorkerThatIgnoresItsSignalIsKilled) {
  ASSERT_TRUE(host_->start(order(0, 1, 3), now_ms_).ok());
  next();
  host_->stop(0, "revoked", now_ms_);
  EXPECT_EQ(next().text, "revoked");
}

TEST_F(ProcessHostTest, ACrashIsSeenWithCodeAndLastLines) {
  ASSERT_TRUE(host_->start(order(0, 1, 1), now_ms_).ok());
  EXPECT_EQ(next().text, "Worker exited with code 3: secret open sesame | cannot bind | no space");
  ASSERT_TRUE(host_->start(order(0, 2, 4), now_ms_).ok());
  EXPECT_EQ(next().kind, Kind::kReady);
  EXPECT_NE(next().text.find("signal 11"), std::string::npos);
}

TEST_F(ProcessHostTest, AWorkerThatIsNeverReadyIsEnded) {
  options_.ready_ms_max = 200;
  host_ = process_host(options_);
  ASSERT_TRUE(host_->start(order(0, 1, 2), now_ms_).ok());
  const WorkerEvent event = next();
  EXPECT_EQ(event.kind, Kind::kEnded);
  EXPECT_NE(event.text.find("not ready within 200 ms"), std::string::npos);
}

TEST_F(ProcessHostTest, ADeviceHasOneWorker) {
  ASSERT_TRUE(host_->start(order(0, 1), now_ms_).ok());
  EXPECT_EQ(host_->start(order(0, 2), now_ms_).status().code(), Code::kFailedPrecondition);
  EXPECT_TRUE(host_->start(order(1, 2), now_ms_).ok());
  EXPECT_EQ(host_->running().size(), 2u);
}

TEST_F(ProcessHostTest, AMissingProgramIsAnError) {
  options_.program = "/nowhere/moai-worker";
  EXPECT_EQ(process_host(options_)->start(order(0, 1), 0).status().code(), Code::kNotFound);
}

TEST_F(ProcessHostTest, ALongSocketPathIsRefusedWithAdvice) {
  options_.socket_directory = "/" + std::string(120, 'x');
  const Status status = process_host(options_)->start(order(0, 1), 0).status();
  EXPECT_NE(status.message().find("--socket-dir"), std::string::npos);
}

TEST_F(ProcessHostTest, AnAdoptedWorkerIsWatchedAndEnded) {
  ASSERT_TRUE(host_->start(order(0, 5), now_ms_).ok());
  next();
  const RunningProcess worker = *host_->on_device(0);
  auto successor = process_host(options_);
  ASSERT_TRUE(successor->adopt(worker).ok());
  successor->stop(0, "by the successor", now_ms_);
  EXPECT_EQ(next().kind, Kind::kEnded) << "reaped by its parent";
  host_ = std::move(successor);
  const WorkerEvent event = next();
  EXPECT_EQ(event.epoch, 5u);
  EXPECT_EQ(event.text, "by the successor");
}

TEST_F(ProcessHostTest, AWorkerThatIsGoneCannotBeAdopted) {
  auto self = *process_id(::getpid());
  ++self.start_ticks;
  EXPECT_EQ(host_->adopt({0, 1, self, "unix:x"}).code(), Code::kNotFound);
}

}  // namespace
}  // namespace moai::agent
