#include "moai/control/master.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>
#include <future>

#include "moai/control/store/memory_store.h"
#include "moai/control/store/sqlite_store.h"

namespace moai::control {
namespace {

constexpr const char* kSecret = "moai_secret";

class MasterThread : public testing::Test {
 protected:
  void SetUp() override {
    auto store = std::make_unique<MemoryStore>();
    store_ = store.get();
    Options options;
    options.version = "0.1.0";
    master_ = Master::start(options, std::move(store)).value();
    ASSERT_TRUE(master_->ensure_bootstrap_token(kSecret).ok());
  }

  template <class Request, class Response>
  Result<Response> call(void (Master::*method)(const rpc::Caller&, const Request&,
                                               rpc::Reply<Response>),
                        const Request& request) {
    rpc::Caller caller;
    caller.token = kSecret;
    std::promise<Result<Response>> promise;
    ((*master_).*method)(caller, request,
                         [&](Result<Response> r) { promise.set_value(std::move(r)); });
    return promise.get_future().get();
  }
  Result<v1::CreatedToken> create(const std::string& operation) {
    v1::CreateTokenRequest request;
    request.set_operation_id(operation);
    return call(&Master::create_token, request);
  }
  // Sets the disk's state on the thread that uses it.
  void disk(const Status& status) {
    std::promise<void> done;
    ASSERT_TRUE(master_
                    ->post([&](Site&) {
                      store_->fail_with(status);
                      done.set_value();
                    })
                    .ok());
    done.get_future().get();
  }

  MemoryStore* store_ = nullptr;  // the master's
  std::unique_ptr<Master> master_;
};

TEST_F(MasterThread, BootstrapTokenIsMadeOnce) {
  ASSERT_TRUE(master_->ensure_bootstrap_token(kSecret).ok());
  EXPECT_EQ(call(&Master::list_tokens, v1::Empty()).value().tokens_size(), 1);
}

TEST_F(MasterThread, SameOperationIdHasOneOutcome) {
  const auto first = create("op-1").value();
  EXPECT_EQ(create("op-1").value().secret(), first.secret());
  EXPECT_NE(create("op-2").value().secret(), first.secret());
  EXPECT_NE(create("").value().id(), create("").value().id());
}

TEST_F(MasterThread, FullDiskRefusesChangesAndAnswersReads) {
  disk(resource_exhausted("disk full"));
  EXPECT_EQ(create("op-1").status().code(), Code::kResourceExhausted);
  EXPECT_EQ(create("op-2").status().code(), Code::kResourceExhausted);
  EXPECT_TRUE(call(&Master::get_server, v1::GetServerRequest()).ok());
  disk(ok_status());
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  Result<v1::CreatedToken> made = create("op-1");
  while (!made.ok() && std::chrono::steady_clock::now() < deadline) made = create("op-1");
  ASSERT_TRUE(made.ok());
  // The refused op-1 was applied or not, but exactly one token carries its outcome.
  EXPECT_EQ(create("op-1").value().id(), made->id());
  EXPECT_EQ(call(&Master::list_tokens, v1::Empty()).value().tokens_size(), 2);
}

TEST_F(MasterThread, CallsInOneBatchShareACommit) {
  std::promise<void> gate;
  std::shared_future<void> opened = gate.get_future().share();
  ASSERT_TRUE(master_->post([opened](Site&) { opened.wait_for(std::chrono::seconds(10)); }).ok());
  uint64_t before = 0;
  rpc::Caller caller;
  caller.token = kSecret;
  std::atomic<int> answered{0};
  std::promise<void> all;
  ASSERT_TRUE(master_->post([&](Site&) { before = store_->commits(); }).ok());
  for (int i = 0; i < 100; ++i)
    master_->create_token(caller, {}, [&](Result<v1::CreatedToken> r) {
      EXPECT_TRUE(r.ok());
      if (++answered == 100) all.set_value();
    });
  gate.set_value();
  ASSERT_EQ(all.get_future().wait_for(std::chrono::seconds(10)), std::future_status::ready);
  uint64_t after = 0;
  ASSERT_TRUE(master_->run([&](Site&) { after = store_->commits(); }).ok());
  EXPECT_LE(after - before, 3u);
}

// Silence is counted on this clock: nobody is lost who could not be heard.
TEST_F(MasterThread, ItsClockStandsWhileItIsHeldUp) {
  std::promise<void> held;
  int64_t before = 0, after = 0;
  ASSERT_TRUE(master_
                  ->post([&](Site& site) {
                    before = site.steady_ns;
                    held.set_value();
                    std::this_thread::sleep_for(std::chrono::milliseconds(1500));
                  })
                  .ok());
  held.get_future().wait();
  ASSERT_TRUE(master_->run([&](Site& site) { after = site.steady_ns; }).ok());
  EXPECT_GT(after, before);
  EXPECT_LE(after - before, 500 * kNsPerMs);
}

TEST_F(MasterThread, ItsClockStandsWhileMoreWaitsThanItTakes) {
  std::promise<void> held, gate;
  int64_t before = 0, behind = 0, after = 0;
  ASSERT_TRUE(master_
                  ->post([&](Site& site) {
                    before = site.steady_ns;
                    held.set_value();
                    gate.get_future().wait_for(std::chrono::seconds(10));
                  })
                  .ok());
  held.get_future().wait();
  ASSERT_TRUE(master_->post([&](Site& site) { behind = site.steady_ns; }).ok());
  for (int i = 0; i < 1500; ++i) ASSERT_TRUE(master_->post([](Site&) {}).ok());
  gate.set_value();
  ASSERT_TRUE(master_->run([&](Site& site) { after = site.steady_ns; }).ok());
  EXPECT_EQ(behind, before);
  EXPECT_GT(after, before);
}

TEST_F(MasterThread, StoppedMasterRefuses) {
  master_->stop();
  EXPECT_EQ(create("x").status().code(), Code::kUnavailable);
  EXPECT_EQ(master_->run([](Site&) {}).code(), Code::kUnavailable);
}

TEST_F(MasterThread, IdleTimeEndsWithACall) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (master_->idle_for() < std::chrono::milliseconds(20) &&
         std::chrono::steady_clock::now() < deadline)
    std::this_thread::yield();
  EXPECT_GE(master_->idle_for(), std::chrono::milliseconds(20));
  EXPECT_TRUE(call(&Master::get_server, v1::GetServerRequest()).ok());
  EXPECT_LT(master_->idle_for(), std::chrono::milliseconds(20));
}

TEST_F(MasterThread, LookingOnIsNoUse) {
  std::this_thread::sleep_for(std::chrono::milliseconds(30));
  v1::GetServerRequest request;
  request.set_observe(true);
  const auto server = call(&Master::get_server, request);
  ASSERT_TRUE(server.ok());
  EXPECT_TRUE(call(&Master::list_flavors, v1::Empty()).ok());
  EXPECT_GE(master_->idle_for(), std::chrono::milliseconds(30));
  EXPECT_TRUE(call(&Master::get_server, v1::GetServerRequest()).ok());
  EXPECT_LT(master_->idle_for(), std::chrono::milliseconds(30));
}

TEST_F(MasterThread, ReadsTheStoreOfItsPredecessor) {
  const std::string path = ::testing::TempDir() + "moai_master_" + std::to_string(::getpid());
  Options options;
  options.version = "0.1.0";
  v1::CreatedToken made;
  {
    master_ = Master::start(options, open_sqlite_store(path).value()).value();
    ASSERT_TRUE(master_->ensure_bootstrap_token(kSecret).ok());
    made = create("op").value();
    master_->stop();
    master_.reset();
  }
  master_ = Master::start(options, open_sqlite_store(path).value()).value();
  const Status again = create("op").status();
  EXPECT_EQ(again.code(), Code::kAlreadyExists);
  EXPECT_NE(again.message().find("token " + std::to_string(made.id())), std::string::npos);
  EXPECT_EQ(call(&Master::list_tokens, v1::Empty()).value().tokens_size(), 2);
  master_.reset();
  for (const char* end : {"", "-wal"}) {
    std::ifstream file(path + end);
    const std::string bytes((std::istreambuf_iterator<char>(file)), {});
    EXPECT_EQ(bytes.find(made.secret()), std::string::npos) << "the database has a secret in clear";
  }
  for (const char* end : {"", "-wal", "-shm"}) ::unlink((path + end).c_str());
}

}  // namespace
}  // namespace moai::control
