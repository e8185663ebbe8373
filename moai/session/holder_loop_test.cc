#include "moai/session/holder_loop.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <thread>

#include "moai/base/process.h"
#include "moai/session/testing/fake_stream.h"

namespace moai::session {
namespace {

class HolderLoopTest : public testing::Test {
 protected:
  HolderLoopTest() : wire_(std::make_shared<FakeWire>()) {
    int ends[2];
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    driver_ = Fd(ends[0]);
    options_.driver = Fd(ends[1]);
    options_.holder.operation_id = [] { return "op"; };
    options_.locate = [](const Start&, const SayLine& say, const std::atomic<bool>&) {
      say(1, "looking");
      return Result<Platform>(Platform{"fake:1", "token", "PEM", false});
    };
    options_.connect = [this](const Platform&) {
      return Result<std::unique_ptr<rpc::SessionStream>>(std::make_unique<FakeStream>(wire_));
    };
  }
  ~HolderLoopTest() override {
    driver_.reset();
    if (thread_.joinable()) thread_.join();
  }

  void run() {
    thread_ = std::thread([this] { run_holder(std::move(options_)); });
  }
  void say(const WireMessage& message) {
    std::string bytes;
    encode(message, &bytes);
    EXPECT_EQ(::send(driver_.get(), bytes.data(), bytes.size(), 0),
              static_cast<ssize_t>(bytes.size()));
  }
  // The next message from the holder; nothing within 5 s is an Acquire.
  WireMessage next() {
    while (true) {
      auto message = incoming_.next();
      if (!message.ok()) return Acquire{};
      if (*message) return **message;
      pollfd fd{driver_.get(), POLLIN, 0};
      char buffer[512];
      if (::poll(&fd, 1, 5000) != 1) return Acquire{};
      const ssize_t n = ::recv(driver_.get(), buffer, sizeof buffer, 0);
      if (n <= 0) return Acquire{};
      incoming_.feed({buffer, static_cast<size_t>(n)});
    }
  }
  template <class T>
  T expect() {
    while (true) {
      const WireMessage message = next();
      if (const T* wanted = std::get_if<T>(&message)) return *wanted;
      if (std::holds_alternative<Acquire>(message)) {
        ADD_FAILURE() << "did not come";
        return T{};
      }
    }
  }
  void attach() {
    say(Start{});
    EXPECT_TRUE(wire_->next_up().has_open());
    v1::SessionDown down;
    down.mutable_opened()->set_session_id(1);
    down.mutable_opened()->set_heartbeat_ms(50);
    down.mutable_opened()->set_device_name("MoAI Accelerator");
    wire_->send_down(down);
  }
  void grant() {
    say(Acquire{});
    while (!wire_->next_up().has_acquire()) {
    }
    v1::SessionDown down;
    down.mutable_granted()->set_epoch(3);
    wire_->send_down(down);
    EXPECT_EQ(expect<Granted>().epoch, 3u);
  }

  std::shared_ptr<FakeWire> wire_;  // shared with the stream
  HolderLoopOptions options_;
  Fd driver_;
  WireSplitter incoming_;
  std::thread thread_;
};

TEST_F(HolderLoopTest, BringsALeaseFromTheMasterToTheDriver) {
  run();
  attach();
  EXPECT_EQ(expect<Line>().text, "looking");
  grant();
  EXPECT_TRUE(wire_->next_up().has_heartbeat());
}

TEST_F(HolderLoopTest, TheClosedSocketEndsTheSession) {
  run();
  attach();
  grant();
  driver_.reset();
  EXPECT_TRUE(wire_->wait_half_closed());
  while (!wire_->next_up().has_close()) {
  }
  wire_->finish(Status(Code::kOutOfRange, "bye"));
  thread_.join();
}

TEST_F(HolderLoopTest, TheScriptsDeathIsSeenThoughTheSocketIsStillOpen) {
  auto script = spawn({.argv = {"sleep", "60"}});
  ASSERT_TRUE(script.ok());
  auto pidfd = open_pidfd(*script);
  if (!pidfd.ok()) GTEST_SKIP() << pidfd.status().message();
  options_.script = std::move(*pidfd);
  run();
  attach();
  grant();
  ::kill(static_cast<pid_t>(*script), SIGKILL);
  EXPECT_TRUE(wire_->wait_half_closed());
  wire_->finish(Status(Code::kOutOfRange, "bye"));
  thread_.join();
  ::waitpid(static_cast<pid_t>(*script), nullptr, 0);
}

TEST_F(HolderLoopTest, ARefusalReachesTheDriverBeforeTheEnd) {
  run();
  say(Start{});
  EXPECT_TRUE(wire_->next_up().has_open());
  wire_->finish(unauthenticated("Invalid SDA token."));
  const Ended ended = expect<Ended>();
  EXPECT_EQ(ended.code, Code::kUnauthenticated);
  EXPECT_EQ(ended.text, "Invalid SDA token.");
  thread_.join();
}

TEST_F(HolderLoopTest, TheScriptMayEndWhileThePlatformIsLookedFor) {
  options_.locate = [](const Start&, const SayLine&, const std::atomic<bool>& stop) {
    while (!stop) std::this_thread::yield();
    return Result<Platform>(cancelled("stopped"));
  };
  run();
  say(Start{});
  driver_.reset();
  thread_.join();
}

TEST_F(HolderLoopTest, BytesThatAreNoMessageEndTheHolder) {
  run();
  ASSERT_EQ(::send(driver_.get(), "\xff\xff\xff\xff", 4, 0), 4);
  thread_.join();
}

}  // namespace
}  // namespace moai::session
