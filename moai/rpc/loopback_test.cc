// The server and the clients against each other over real TLS.
#include <gtest/gtest.h>

#include <chrono>
#include <condition_variable>
#include <mutex>

#include "moai/identity/certificate.h"
#include "moai/rpc/client/core_client.h"
#include "moai/rpc/client/stream.h"
#include "moai/rpc/server.h"
#include "moai/rpc/testing/slow_link.h"

namespace moai::rpc {
namespace {

using std::chrono::seconds;
using std::chrono::steady_clock;

std::string describe(const Caller& caller) {
  return caller.token + "|" + (caller.peer ? caller.peer->role + "/" + caller.peer->name : "");
}

// Answers every call with what it saw of the caller; streams echo heartbeats.
class EchoHandler final : public CoreHandler {
 public:
  template <class Up, class Down>
  struct Echo final : Receiver<Up> {
    Echo(EchoHandler* owner, std::shared_ptr<Sender<Down>> sender)
        : owner(owner), sender(std::move(sender)) {}
    void received(Up) override {
      Down down;
      down.mutable_heartbeat();
      sender->send(std::move(down));
    }
    void closed(bool clean) override { owner->note_closed(clean); }
    EchoHandler* owner;
    std::shared_ptr<Sender<Down>> sender;  // shared with the transport
  };

  std::shared_ptr<Receiver<v1::SessionUp>> attach(const Caller& caller, SessionSender s) override {
    if (caller.token != "good") s->finish(unauthenticated("Invalid SDA token."));
    return std::make_shared<Echo<v1::SessionUp, v1::SessionDown>>(this, std::move(s));
  }
  std::shared_ptr<Receiver<v1::AgentUp>> attend(const Caller&, AgentSender s) override {
    return std::make_shared<Echo<v1::AgentUp, v1::AgentDown>>(this, std::move(s));
  }
  void note_closed(bool clean) {
    std::lock_guard lock(mutex_);
    closed_ = clean ? "clean" : "broken";
    changed_.notify_all();
  }
  std::string wait_closed() {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, seconds(10), [&] { return !closed_.empty(); });
    return closed_;
  }

#define REFUSE(Name, name, Request, Response)                                          \
  void name(const Caller& c, const v1::Request&, Reply<v1::Response> reply) override { \
    reply(permission_denied(describe(c)));                                             \
  }
  MOAI_CORE_CALLS(REFUSE)
#undef REFUSE

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::string closed_;
};

class Loopback : public testing::Test {
 protected:
  void SetUp() override {
    ca_ = identity::make_ca("test").value();
    const auto cert = identity::issue(ca_, {"master", "m", {"localhost"}, {"127.0.0.1"}}).value();
    server_ = Server::start({"127.0.0.1:0", cert.certificate, cert.key, ca_.certificate}, &handler_)
                  .value();
  }
  std::shared_ptr<Channel> channel(const std::string& token, const identity::KeyPair& pair = {}) {
    return Channel::open(
               {server_->address(), ca_.certificate, pair.certificate, pair.key, token, ""})
        .value();
  }
  static auto soon() { return steady_clock::now() + seconds(10); }

  identity::KeyPair ca_;
  EchoHandler handler_;
  std::unique_ptr<Server> server_;
};

TEST_F(Loopback, CarriesTokenAndStatus) {
  CoreClient client(channel("secret"));
  const Status status = client.list_jobs().status();
  EXPECT_EQ(status.code(), Code::kPermissionDenied);
  EXPECT_EQ(status.message(), "secret|");
}

TEST_F(Loopback, ReadsTheRoleOfAClientCertificate) {
  const auto agent = identity::issue(ca_, {"agent", "back01", {}, {}}).value();
  CoreClient client(channel("", agent));
  EXPECT_EQ(client.list_jobs().status().message(), "|agent/back01");
}

TEST_F(Loopback, RefusesACertificateOfAForeignCa) {
  const auto foreign = identity::make_ca("foreign").value();
  const auto forged = identity::issue(foreign, {"admin", "me", {}, {}}).value();
  CoreClient client(channel("", forged), std::chrono::milliseconds(2000));
  const Code code = client.list_jobs().status().code();
  EXPECT_TRUE(code == Code::kUnavailable || code == Code::kDeadlineExceeded);
}

TEST_F(Loopback, StreamsBothWays) {
  auto stream = attach(channel("good"));
  v1::SessionUp up;
  up.mutable_heartbeat();
  for (int i = 0; i < 50; ++i) ASSERT_TRUE(stream->send(up).ok());
  for (int i = 0; i < 50; ++i) ASSERT_TRUE(stream->receive(soon()).ok());
  EXPECT_EQ(stream->receive(steady_clock::now()).status().code(), Code::kDeadlineExceeded);
}

TEST_F(Loopback, ServerEndsAStreamWithItsReason) {
  auto stream = attach(channel("bad"));
  const Status status = stream->receive(soon()).status();
  EXPECT_EQ(status.code(), Code::kUnauthenticated);
  EXPECT_EQ(status.message(), "Invalid SDA token.");
}

TEST_F(Loopback, HalfCloseIsClean) {
  auto stream = attend(channel(""));
  v1::AgentUp up;
  up.mutable_report();
  ASSERT_TRUE(stream->send(up).ok());
  ASSERT_TRUE(stream->receive(soon()).ok());
  stream->half_close();
  EXPECT_EQ(stream->receive(soon()).status().code(), Code::kOutOfRange);
  EXPECT_EQ(handler_.wait_closed(), "clean");
}

TEST_F(Loopback, CancelIsBroken) {
  auto stream = attach(channel("good"));
  v1::SessionUp up;
  up.mutable_heartbeat();
  ASSERT_TRUE(stream->send(up).ok());
  ASSERT_TRUE(stream->receive(soon()).ok());
  stream.reset();
  EXPECT_EQ(handler_.wait_closed(), "broken");
}

TEST_F(Loopback, AStoppedServerShowsAsUnavailable) {
  auto stream = attach(channel("good"));
  v1::SessionUp up;
  up.mutable_heartbeat();
  ASSERT_TRUE(stream->send(up).ok());
  ASSERT_TRUE(stream->receive(soon()).ok());
  server_->stop(std::chrono::milliseconds(0));
  EXPECT_NE(stream->receive(soon()).status().code(), Code::kDeadlineExceeded);
}

TEST_F(Loopback, ASlowHandshakeIsWaitedFor) {
  const SlowLink link(server_->address(), std::chrono::milliseconds(300));
  CoreClient client(Channel::open({link.address(), ca_.certificate, "", "", "secret", ""}).value());
  const Status status = client.list_jobs().status();
  EXPECT_EQ(status.code(), Code::kPermissionDenied) << status.message();
}

TEST_F(Loopback, NobodyThereIsUnavailableInTime) {
  const std::string address = server_->address();
  auto there = channel("good");
  server_.reset();
  EXPECT_EQ(there->wait_connected(steady_clock::now() + std::chrono::milliseconds(200)).code(),
            Code::kUnavailable);
}

TEST_F(Loopback, AnAddressInUseIsUnavailable) {
  EchoHandler other;
  EXPECT_EQ(Server::start({server_->address(), "", "", ""}, &other).status().code(),
            Code::kUnavailable);
}

TEST(ChannelOptions, AreChecked) {
  EXPECT_EQ(Channel::open({}).status().code(), Code::kInvalidArgument);
  EXPECT_EQ(Channel::open({"localhost:1", "", "cert", "", "", ""}).status().code(),
            Code::kInvalidArgument);
}

}  // namespace
}  // namespace moai::rpc
