// A master over gRPC and TLS with a scripted agent and scripted sessions.
#include <gtest/gtest.h>

#include <chrono>

#include "moai/control/master.h"
#include "moai/control/store/memory_store.h"
#include "moai/control/testing/scripted_agent.h"
#include "moai/identity/certificate.h"
#include "moai/rpc/client/core_client.h"
#include "moai/rpc/client/stream.h"
#include "moai/rpc/server.h"

namespace moai::control {
namespace {

using control::testing::ScriptedAgent;
using std::chrono::seconds;
using std::chrono::steady_clock;

constexpr const char* kSecret = "moai_bootstrap_secret_of_the_test";

class MasterLoopback : public ::testing::Test {
 protected:
  void SetUp() override {
    ca_ = identity::make_ca("test").value();
    Options options;
    options.version = "0.1.0";
    master_ = Master::start(options, std::make_unique<MemoryStore>()).value();
    ASSERT_TRUE(master_->ensure_bootstrap_token(kSecret).ok());
    const auto pair = identity::issue(ca_, {"master", "m", {"localhost"}, {"127.0.0.1"}}).value();
    server_ = rpc::Server::start({"127.0.0.1:0", pair.certificate, pair.key, ca_.certificate},
                                 master_.get())
                  .value();
  }
  void TearDown() override {
    server_.reset();
    master_.reset();
  }

  std::shared_ptr<rpc::Channel> channel(const std::string& token, const std::string& role = "") {
    identity::KeyPair pair;
    if (!role.empty()) pair = identity::issue(ca_, {role, "back01", {}, {}}).value();
    return rpc::Channel::open(
               {server_->address(), ca_.certificate, pair.certificate, pair.key, token, ""})
        .value();
  }

  std::unique_ptr<rpc::SessionStream> open(v1::Open request, const std::string& token = kSecret) {
    auto stream = rpc::attach(channel(token));
    if (request.client_version().empty()) request.set_client_version("0.1.9");
    if (request.command().empty()) request.set_command("python train.py");
    v1::SessionUp up;
    *up.mutable_open() = request;
    EXPECT_TRUE(stream->send(up).ok());
    return stream;
  }
  static Status say(rpc::SessionStream& stream, auto&& fill) {
    v1::SessionUp up;
    fill(up);
    return stream.send(up);
  }
  // The next message that is no heartbeat.
  static Result<v1::SessionDown> next(rpc::SessionStream& stream) {
    const auto deadline = steady_clock::now() + seconds(10);
    while (true) {
      Result<v1::SessionDown> down = stream.receive(deadline);
      if (!down.ok() || !down->has_heartbeat()) return down;
      say(stream, [](v1::SessionUp& up) { up.mutable_heartbeat(); }).ignore("receive tells");
    }
  }

  identity::KeyPair ca_;
  std::unique_ptr<Master> master_;
  std::unique_ptr<rpc::Server> server_;
};

TEST_F(MasterLoopback, GrantsALeaseAndTakesItBack) {
  ScriptedAgent agent(channel("", "agent"), 1);
  auto session = open({});
  const auto opened = next(*session).value();
  EXPECT_EQ(opened.opened().device_name(), "MoAI Accelerator");
  ASSERT_TRUE(say(*session, [](auto& up) { up.mutable_acquire(); }).ok());
  auto down = next(*session).value();
  if (down.has_waiting()) down = next(*session).value();  // the agent may register after Acquire
  ASSERT_TRUE(down.has_granted()) << down.ShortDebugString();
  EXPECT_EQ(down.granted().flavor(), "Small.64GB");
  ASSERT_EQ(down.granted().workers_size(), 1);
  EXPECT_EQ(down.granted().workers(0).secret().size(), 32u);
  EXPECT_EQ(down.granted().memory_bytes(), uint64_t{1} << 30);

  rpc::CoreClient client(channel(kSecret));
  EXPECT_EQ(client.list_jobs().value().jobs(0).state(), "active");
  ASSERT_TRUE(say(*session, [](auto& up) { up.mutable_give_back(); }).ok());
  ASSERT_TRUE(say(*session, [](auto& up) { up.mutable_acquire(); }).ok());
  down = next(*session).value();
  while (down.has_waiting()) down = next(*session).value();
  EXPECT_EQ(down.granted().epoch(), 2u);
}

TEST_F(MasterLoopback, SecondProcessWaitsAndGoesOnWhenTheFirstEnds) {
  ScriptedAgent agent(channel("", "agent"), 2);
  v1::Open request;
  request.set_pid(77);
  auto first = open(request);
  ASSERT_TRUE(next(*first).ok());
  ASSERT_TRUE(say(*first, [](auto& up) { up.mutable_acquire(); }).ok());
  auto down = next(*first).value();
  while (down.has_waiting()) down = next(*first).value();
  ASSERT_TRUE(down.has_granted());

  auto second = open({});
  ASSERT_TRUE(next(*second).ok());
  ASSERT_TRUE(say(*second, [](auto& up) { up.mutable_acquire(); }).ok());
  down = next(*second).value();
  ASSERT_TRUE(down.has_waiting());
  EXPECT_EQ(down.waiting().cause(), "in_use");
  EXPECT_NE(down.waiting().text().find("(pid: 77) python train.py"), std::string::npos);

  const auto start = steady_clock::now();
  ASSERT_TRUE(say(*first, [](auto& up) { up.mutable_close(); }).ok());
  do {
    down = next(*second).value();
  } while (down.has_waiting());
  EXPECT_TRUE(down.has_granted());
  EXPECT_LT(steady_clock::now() - start, seconds(1));
}

TEST_F(MasterLoopback, RefusesWhoHasNoToken) {
  EXPECT_EQ(next(*open({}, "")).status(), unauthenticated("SDA token is not given."));
  EXPECT_EQ(next(*open({}, "moai_wrong")).status(), unauthenticated("Invalid SDA token."));
}

TEST_F(MasterLoopback, RefusesAnOldClient) {
  v1::Open request;
  request.set_client_version("0.0.9");
  const Status status = next(*open(request)).status();
  EXPECT_EQ(status.code(), Code::kFailedPrecondition);
  EXPECT_NE(status.message().find("update-moreh"), std::string::npos);
}

TEST_F(MasterLoopback, RefusesAnAgentWithoutItsCertificate) {
  auto stream = rpc::attend(channel(""));
  v1::AgentUp up;
  up.mutable_register_()->set_name("back01");
  ASSERT_TRUE(stream->send(up).ok());
  EXPECT_EQ(stream->receive(steady_clock::now() + seconds(10)).status().code(),
            Code::kUnauthenticated);
}

}  // namespace
}  // namespace moai::control
