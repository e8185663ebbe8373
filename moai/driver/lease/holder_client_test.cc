#include "moai/driver/lease/holder_client.h"

#include <gmock/gmock.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <condition_variable>

#include "moai/driver/testing/played_lease.h"

namespace moai::driver {
namespace {

using testing::ElementsAre;

// The holder's end of a socket pair, and what the client told of it.
class HolderClientTest : public testing::Test {
 protected:
  HolderClientTest() {
    auto [mine, its] = socket_pair();
    holder_ = std::move(its);
    const std::lock_guard lock(mutex_);
    client_ = std::make_unique<HolderClient>(std::move(mine), events());
  }

  static std::pair<Fd, Fd> socket_pair() {
    int ends[2] = {-1, -1};
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    return {Fd(ends[0]), Fd(ends[1])};
  }
  HolderClient::Events events() {
    HolderClient::Events events;
    events.granted = [this](const session::Granted& m) { note("granted " + m.flavor); };
    events.ended = [this](const session::Ended& m) { note("ended " + m.text); };
    events.line = [this](const session::Line& m) { note("line " + m.text); };
    events.waiting = [this](const session::Waiting& m) { note("waiting " + m.text); };
    events.lost = [this](const Status& status) {
      note("lost " + std::string(code_name(status.code())));
      const std::lock_guard lock(mutex_);
      return std::move(successor_);
    };
    events.replaced = [this](HolderClient* client) {
      note("replaced");
      const std::lock_guard lock(mutex_);
      EXPECT_EQ(client, client_.get());
    };
    return events;
  }
  void note(const std::string& what) {
    const std::lock_guard lock(mutex_);
    seen_.push_back(what);
    changed_.notify_all();
  }
  // What was told so far, once it is `count` things.
  std::vector<std::string> seen(size_t count) {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, std::chrono::seconds(20), [&] { return seen_.size() >= count; });
    return seen_;
  }
  static void say_bytes(const Fd& socket, std::string_view bytes) {
    EXPECT_EQ(::send(socket.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(bytes.size()));
  }
  static void say(const Fd& socket, const session::WireMessage& message) {
    std::string bytes;
    session::encode(message, &bytes);
    say_bytes(socket, bytes);
  }
  static session::WireMessage hear(const Fd& socket) {
    session::WireSplitter splitter;
    char byte = 0;
    while (::recv(socket.get(), &byte, 1, 0) == 1) {
      splitter.feed({&byte, 1});
      auto message = splitter.next();
      EXPECT_TRUE(message.ok());
      if (!message.ok()) break;
      if (*message) return **message;
    }
    ADD_FAILURE() << "no message came";
    return session::Start{};
  }

  Fd holder_;
  std::mutex mutex_;
  Fd successor_;  // guarded by mutex_
  std::condition_variable changed_;
  std::vector<std::string> seen_;  // guarded by mutex_
  std::unique_ptr<HolderClient> client_;
};

TEST_F(HolderClientTest, TellsOfEachMessage) {
  say(holder_, session::Line{1, "hello"});
  say(holder_, session::Waiting{"busy"});
  session::Granted granted;
  granted.flavor = "small";
  say(holder_, granted);
  say(holder_, session::Ended{Code::kAborted, "revoked"});
  EXPECT_THAT(seen(4), ElementsAre("line hello", "waiting busy", "granted small", "ended revoked"));
}

TEST_F(HolderClientTest, MessagesMayComeInPieces) {
  std::string bytes;
  session::encode(session::Line{1, "one"}, &bytes);
  session::encode(session::Line{1, "two"}, &bytes);
  for (const char byte : bytes) say_bytes(holder_, {&byte, 1});
  EXPECT_THAT(seen(2), ElementsAre("line one", "line two"));
}

TEST_F(HolderClientTest, SendsToTheHolder) {
  EXPECT_EQ(client_->send(session::LinkLost{"unix:/w", "gone"}), ok_status());
  const auto message = hear(holder_);
  ASSERT_TRUE(std::holds_alternative<session::LinkLost>(message));
  EXPECT_EQ(std::get<session::LinkLost>(message).address, "unix:/w");
}

TEST_F(HolderClientTest, TellsThatTheHolderIsGoneAndReadsNoMore) {
  holder_.reset();
  EXPECT_THAT(seen(1), ElementsAre("lost UNAVAILABLE"));
  EXPECT_EQ(client_->send(session::Acquire{}).code(), Code::kUnavailable);
}

TEST_F(HolderClientTest, AHolderThatTalksNonsenseIsGone) {
  say_bytes(holder_, {"\x01\0\0\0\x63", 5});
  EXPECT_THAT(seen(1), ElementsAre("lost INVALID_ARGUMENT"));
}

TEST_F(HolderClientTest, GoesOnWithASuccessor) {
  auto [mine, its] = socket_pair();
  {
    const std::lock_guard lock(mutex_);
    successor_ = std::move(mine);
  }
  holder_.reset();
  EXPECT_THAT(seen(2), ElementsAre("lost UNAVAILABLE", "replaced"));
  say(its, session::Line{1, "here I am"});
  EXPECT_EQ(seen(3).back(), "line here I am");
  EXPECT_EQ(client_->send(session::Acquire{}), ok_status());
  EXPECT_TRUE(std::holds_alternative<session::Acquire>(hear(its)));
}

TEST_F(HolderClientTest, ItsEndClosesTheSocketAndTellsNothing) {
  client_.reset();
  char byte = 0;
  EXPECT_EQ(::recv(holder_.get(), &byte, 1, 0), 0);
  EXPECT_THAT(seen_, ElementsAre());
}

// ---- the program

TEST(HolderProgram, IsStartedAndGreeted) {
  Played played("grant");
  auto socket = HolderClient::start(Played::program(), played.start);
  ASSERT_TRUE(socket.ok()) << socket.status().to_string();
  EXPECT_TRUE(eventually([&] { return played.notes() == "start; "; }));
  socket->reset();
  EXPECT_TRUE(eventually([&] { return played.notes() == "start; closed; "; }))
      << "it sees that the script is gone: " << played.notes();
}

TEST(HolderProgram, IsNoChildThatTheScriptCouldWaitFor) {
  Played played("grant");
  auto socket = HolderClient::start(Played::program(), played.start);
  ASSERT_TRUE(socket.ok());
  EXPECT_EQ(::waitpid(-1, nullptr, WNOHANG), -1);
  EXPECT_EQ(errno, ECHILD);
}

TEST(HolderProgram, AProgramThatIsMissingIsNamed) {
  const auto socket = HolderClient::start("/nowhere/moai-session", {});
  EXPECT_EQ(socket.status().code(), Code::kNotFound);
  EXPECT_THAT(socket.status().message(), testing::HasSubstr("/nowhere/moai-session"));
}

}  // namespace
}  // namespace moai::driver
