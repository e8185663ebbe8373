// The loop with real fake Workers, and a master that is this test.
#include "moai/agent/agent_loop.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/wait.h>

#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>

#include "moai/agent/probe/simulated.h"
#include "moai/agent/spawn/process_host.h"
#include "moai/base/log.h"
#include "moai/base/testing/temporary_directory.h"

namespace moai::agent {
namespace {

// The master: streams come and go, messages are kept.
struct Master {
  std::mutex mutex;
  std::condition_variable changed;
  std::deque<v1::AgentUp> up;
  std::deque<v1::AgentDown> down;
  std::optional<Status> end;  // of the stream that is open
  int streams = 0;
  bool refuse = false;

  v1::AgentUp next(v1::AgentUp::MessageCase wanted) {
    std::unique_lock lock(mutex);
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    while (changed.wait_until(lock, deadline, [&] { return !up.empty(); })) {
      v1::AgentUp message = up.front();
      up.pop_front();
      if (message.message_case() == wanted) return message;
    }
    ADD_FAILURE() << "did not come: " << wanted;
    return {};
  }
  void order(const v1::AgentDown& message) {
    std::lock_guard lock(mutex);
    down.push_back(message);
    changed.notify_all();
  }
  void registered() {
    v1::AgentDown message;
    message.mutable_registered()->set_report_ms(50);
    order(message);
  }
  void start(uint64_t epoch) {
    v1::AgentDown message;
    message.mutable_start_worker()->set_epoch(epoch);
    message.mutable_start_worker()->set_secret("s");
    order(message);
  }
  void break_stream(const Status& status) {
    std::lock_guard lock(mutex);
    end = status;
    changed.notify_all();
  }
};

class MasterStream : public rpc::AgentStream {
 public:
  explicit MasterStream(Master* master) : master_(master) {
    std::lock_guard lock(master_->mutex);
    master_->end.reset();
    ++master_->streams;
  }
  Status send(const v1::AgentUp& message) override {
    std::lock_guard lock(master_->mutex);
    master_->up.push_back(message);
    master_->changed.notify_all();
    return ok_status();
  }
  Result<v1::AgentDown> receive(std::chrono::steady_clock::time_point deadline) override {
    std::unique_lock lock(master_->mutex);
    master_->changed.wait_until(lock, deadline,
                                [&] { return !master_->down.empty() || master_->end; });
    if (master_->end) return *master_->end;
    if (master_->down.empty()) return deadline_exceeded("nothing");
    v1::AgentDown message = master_->down.front();
    master_->down.pop_front();
    return message;
  }
  void half_close() override { master_->break_stream(Status(Code::kOutOfRange, "bye")); }
  void cancel() override { master_->break_stream(cancelled("by the agent")); }

 private:
  Master* master_;
};

class AgentLoopTest : public testing::Test {
 protected:
  AgentLoopTest() {
    set_log_level(LogLevel::kOff);
    host_options_.program = program_directory() + "/agent_fake_worker";
    host_options_.directory = host_options_.socket_directory = directory_.path();
    options_.name = "back01";
    options_.state_path = directory_.path() + "/state.json";
    options_.boot_id = boot_id();
    loop_.connect = [this]() -> Result<std::unique_ptr<rpc::AgentStream>> {
      {
        std::lock_guard lock(master_.mutex);
        if (master_.refuse) return unavailable("refused");
      }
      return std::unique_ptr<rpc::AgentStream>(std::make_unique<MasterStream>(&master_));
    };
  }
  ~AgentLoopTest() override { end(); }

  void run() {
    host_ = process_host(host_options_);
    agent_ = std::make_unique<Agent>(options_, probe_.get(), host_.get());
    ASSERT_TRUE(agent_->recover(boot_time_ms()).ok());
    stop_ = ::eventfd(0, EFD_CLOEXEC);
    loop_.stop = Fd(stop_);
    thread_ = std::thread([this] { run_agent(agent_.get(), host_.get(), std::move(loop_)); });
  }
  void end() {
    if (!thread_.joinable()) return;
    ::eventfd_write(stop_, 1);
    thread_.join();
  }
  ProcessId worker() {
    const auto ready = master_.next(v1::AgentUp::kWorkerReady).worker_ready();
    return process_id(ready.pid()).value_or(ProcessId{});
  }

  TemporaryDirectory directory_;
  Master master_;
  ProcessHostOptions host_options_;
  AgentOptions options_;
  AgentLoopOptions loop_;
  std::unique_ptr<Probe> probe_ = simulated_probe({.devices = 1, .memory_bytes = 1000});
  std::unique_ptr<WorkerHost> host_;
  std::unique_ptr<Agent> agent_;
  int stop_ = -1;
  std::thread thread_;
};

TEST_F(AgentLoopTest, RegistersReportsAndRunsAWorker) {
  run();
  EXPECT_EQ(master_.next(v1::AgentUp::kRegister).register_().name(), "back01");
  master_.registered();
  master_.next(v1::AgentUp::kReport);
  master_.start(1);
  EXPECT_TRUE(is_alive(worker()));
}

TEST_F(AgentLoopTest, AWorkersDeathIsToldAtOnce) {
  run();
  master_.registered();
  master_.start(1);
  const ProcessId process = worker();
  const int64_t before = boot_time_ms();
  ::kill(static_cast<pid_t>(process.pid), SIGKILL);
  const auto ended = master_.next(v1::AgentUp::kWorkerEnded).worker_ended();
  EXPECT_LT(boot_time_ms() - before, 2'000);
  EXPECT_NE(ended.evidence().find("killed by signal 9"), std::string::npos);
}

TEST_F(AgentLoopTest, ComesBackAfterALossAndKeepsItsWorker) {
  run();
  master_.registered();
  master_.start(1);
  const ProcessId process = worker();
  master_.break_stream(unavailable("the master was killed"));
  v1::Register again;
  while (again.workers_size() == 0) again = master_.next(v1::AgentUp::kRegister).register_();
  EXPECT_EQ(again.workers(0).pid(), process.pid);
  EXPECT_TRUE(is_alive(process));
}

TEST_F(AgentLoopTest, AnOrderlyEndTakesTheWorkersAlong) {
  run();
  master_.registered();
  master_.start(1);
  const ProcessId process = worker();
  end();
  EXPECT_FALSE(is_alive(process));
  EXPECT_EQ(master_.next(v1::AgentUp::kWorkerEnded).worker_ended().evidence(), "the agent ends");
}

TEST_F(AgentLoopTest, FencesItselfWhenTheMasterStaysSilent) {
  options_.self_fence_ms = 300;
  run();
  master_.registered();
  master_.start(1);
  const ProcessId process = worker();
  {
    std::lock_guard lock(master_.mutex);
    master_.refuse = true;
  }
  master_.break_stream(unavailable("cut off"));
  for (int i = 0; i < 500 && is_alive(process); ++i) ::poll(nullptr, 0, 10);
  EXPECT_FALSE(is_alive(process));
}

TEST_F(AgentLoopTest, EndsWithTheMasterOfItsLocalPlatform) {
  auto master = spawn({.argv = {"sleep", "60"}});
  ASSERT_TRUE(master.ok());
  loop_.exit_with_master_pid = *master;
  loop_.exit_grace_ms = 100;
  run();
  master_.registered();
  master_.next(v1::AgentUp::kReport);
  ::kill(static_cast<pid_t>(*master), SIGKILL);
  ::waitpid(static_cast<pid_t>(*master), nullptr, 0);
  {
    std::lock_guard lock(master_.mutex);
    master_.refuse = true;
  }
  master_.break_stream(unavailable("the master has ended"));
  thread_.join();
}

}  // namespace
}  // namespace moai::agent
