#include "moai/worker/serve/worker.h"

#include <gmock/gmock.h>

#include <thread>

#include "moai/base/log.h"
#include "moai/device/fake/fake_device.h"
#include "moai/worker/testing/front.h"
#include "moai/worker/testing/memory_listener.h"

namespace moai::worker {
namespace {

using std::chrono::milliseconds;
using testing::ElementsAre;
using testing::HasSubstr;

// Blocks calls of fake::sleep until it is opened.
class Gate {
 public:
  void pass(std::string_view op) {
    if (op != "fake::sleep") return;
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, std::chrono::seconds(20), [&] { return open_; });
  }
  void open() {
    std::lock_guard lock(mutex_);
    open_ = true;
    changed_.notify_all();
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool open_ = false;  // guarded by mutex_
};

const std::string kSecret(dispatch::kSecretBytes, 's');

class WorkerTest : public testing::Test {
 protected:
  WorkerTest() {
    set_log_level(LogLevel::kOff);
    WorkerOptions options;
    options.identity = {.epoch = 7,
                        .secret = kSecret,
                        .name = "worker 0 on here",
                        .device_kind = "cpu",
                        .torch_version = "2.13.0",
                        .memory_bytes = 1 << 20,
                        .credit_bytes = 4096};
    options.connection.ping = milliseconds(50);
    options.hello_max = milliseconds(300);
    worker_ =
        std::make_unique<Worker>(options, std::make_unique<MemoryListener>(door_), device_.get());
    thread_ = std::thread([this] { worker_->run(); });
  }
  ~WorkerTest() override {
    gate_.open();
    worker_->stop("the test is over");
    thread_.join();
    set_log_level(LogLevel::kInfo);
  }

  static dispatch::Hello hello() {
    return {.secret = kSecret, .epoch = 7, .client = "pid 1 test", .torch_version = "2.13.0"};
  }
  // A front that was admitted.
  std::unique_ptr<Front> connect() {
    auto front = std::make_unique<Front>(door_->connect());
    EXPECT_EQ(front->send(hello()), ok_status());
    EXPECT_EQ(front->await<dispatch::Welcome>().worker, "worker 0 on here");
    return front;
  }
  // Retries while the Worker still takes leave of the front before.
  std::unique_ptr<Front> reconnect() {
    for (int i = 0; i < 200; ++i) {
      auto front = std::make_unique<Front>(door_->connect());
      EXPECT_EQ(front->send(hello()), ok_status());
      auto message = front->receive();
      if (message.ok() && std::holds_alternative<dispatch::Welcome>(*message)) return front;
      std::this_thread::sleep_for(milliseconds(10));
    }
    ADD_FAILURE() << "never admitted again";
    return nullptr;
  }
  dispatch::Refused refused(const dispatch::Message& first) {
    Front front(door_->connect());
    EXPECT_EQ(front.send(first), ok_status());
    return front.await<dispatch::Refused>();
  }
  static void define(Front& front) {
    EXPECT_EQ(front.send(dispatch::DefineSignatures{
                  .signatures = {signature_of("aten::add.Tensor(f64[2], f64[2], word) -> f64[2]"),
                                 signature_of("fake::sleep(intword) -> _")}}),
              ok_status());
  }
  static dispatch::Upload upload(StorageId id, const std::vector<double>& values) {
    return {.storage = id, .storage_bytes = values.size() * 8, .bytes = bytes_of(values)};
  }
  static dispatch::Run sleeping() {
    return {.first_sequence = 1, .program = ProgramBuilder().call(1, {}, {1}).get()};
  }

  Gate gate_;
  std::unique_ptr<device::FakeDevice> device_ =
      device::make_fake_device({.on_call = [this](std::string_view op) { gate_.pass(op); }});
  std::shared_ptr<Door> door_ = std::make_shared<Door>();
  std::unique_ptr<Worker> worker_;
  std::thread thread_;
};

TEST_F(WorkerTest, ServesAFrontFromHelloToGoodbye) {
  auto front = connect();
  define(*front);
  EXPECT_EQ(front->send(upload(1, {1, 2})), ok_status());
  EXPECT_EQ(
      front->send(dispatch::Run{
          .first_sequence = 1, .program = ProgramBuilder().call(0, {1, 1, 2}, {word_of(1)}).get()}),
      ok_status());
  EXPECT_EQ(front->send(dispatch::Read{.request = 1, .ranges = {{2, 0, 16}}}), ok_status());
  EXPECT_THAT(doubles_of(front->await<dispatch::Data>().bytes), ElementsAre(2, 4));
  EXPECT_EQ(front->send(dispatch::Marker{.request = 2}), ok_status());
  EXPECT_EQ(front->await<dispatch::Reached>().sequence, 1u);
  EXPECT_EQ(front->send(dispatch::Goodbye{}), ok_status());
  EXPECT_TRUE(front->is_closed());
}

TEST_F(WorkerTest, ReturnsCreditForEveryByteExecuted) {
  auto front = connect();
  define(*front);
  const uint64_t hello_bytes = [] {
    std::string frame;
    dispatch::encode(hello(), &frame);
    return frame.size();
  }();
  for (uint64_t i = 0; i < 50; ++i) {
    EXPECT_EQ(front->send(upload(i + 1, std::vector<double>(64))), ok_status());
  }
  EXPECT_EQ(front->send(dispatch::Marker{.request = 1}), ok_status());
  front->await<dispatch::Reached>();
  while (front->credit_bytes < front->sent_bytes - hello_bytes) {
    front->credit_bytes += front->await<dispatch::Credit>().bytes;
  }
  EXPECT_EQ(front->credit_bytes, front->sent_bytes - hello_bytes);
}

TEST_F(WorkerTest, RefusesFrontsThatMayNotUseIt) {
  auto wrong_secret = hello();
  wrong_secret.secret[0] = 'x';
  EXPECT_EQ(refused(wrong_secret).code, Code::kUnauthenticated);
  auto older = hello();
  older.epoch = 6;
  EXPECT_EQ(refused(older).code, Code::kPermissionDenied);
  auto other_torch = hello();
  other_torch.torch_version = "2.12.1";
  EXPECT_THAT(refused(other_torch).text, HasSubstr("2.12.1"));
  EXPECT_NE(connect(), nullptr) << "the right one is admitted afterwards";
}

TEST_F(WorkerTest, DropsPeersThatSayNoHello) {
  Front silent(door_->connect()), garbage(door_->connect()), rude(door_->connect());
  EXPECT_EQ(garbage.send_bytes("\xff\xff"), ok_status());
  EXPECT_EQ(rude.send(dispatch::Ping{}), ok_status());
  EXPECT_TRUE(silent.is_closed());
  EXPECT_TRUE(garbage.is_closed());
  EXPECT_TRUE(rude.is_closed());
  EXPECT_NE(connect(), nullptr);
}

TEST_F(WorkerTest, OneFrontAtATime) {
  auto first = connect();
  const auto second = refused(hello());
  EXPECT_EQ(second.code, Code::kResourceExhausted);
  EXPECT_THAT(second.text, HasSubstr("pid 1 test"));
  EXPECT_EQ(first->send(dispatch::Marker{.request = 1}), ok_status());
  EXPECT_EQ(first->await<dispatch::Reached>().request, 1u) << "the first is undisturbed";
}

TEST_F(WorkerTest, DropsAllStoragesWhenTheFrontLeavesAndAdmitsItAgain) {
  auto front = connect();
  EXPECT_EQ(front->send(upload(1, {1, 2})), ok_status());
  EXPECT_EQ(front->send(dispatch::Marker{.request = 1}), ok_status());
  EXPECT_EQ(front->await<dispatch::Reached>().memory.allocated_bytes, 16u);
  front.reset();
  front = reconnect();
  EXPECT_EQ(front->send(dispatch::Marker{.request = 1}), ok_status());
  EXPECT_EQ(front->await<dispatch::Reached>().memory.allocated_bytes, 0u);
}

TEST_F(WorkerTest, AFrontThatBreaksTheProtocolIsToldAndSentAway) {
  auto front = connect();
  EXPECT_EQ(front->send(dispatch::Run{.program = ProgramBuilder().free(77).get()}), ok_status());
  const auto ending = front->await<dispatch::Ending>();
  EXPECT_EQ(ending.code, Code::kInvalidArgument);
  EXPECT_THAT(ending.text, HasSubstr("storage 77"));
  EXPECT_TRUE(front->is_closed());
  EXPECT_NE(reconnect(), nullptr);
}

TEST_F(WorkerTest, HostileBytesEndOnlyTheConnection) {
  for (const std::string& bytes : {std::string(), std::string("\xff"), std::string(1000, '\3')}) {
    auto front = reconnect();
    EXPECT_EQ(front->send_bytes(bytes), ok_status());
    EXPECT_TRUE(front->is_closed());
  }
  EXPECT_NE(reconnect(), nullptr);
}

TEST_F(WorkerTest, SaysPingWhileACallTakesLong) {
  auto front = connect();
  define(*front);
  EXPECT_EQ(front->send(sleeping()), ok_status());
  for (int i = 0; i < 3; ++i) front->await<dispatch::Ping>();
  gate_.open();
  EXPECT_EQ(front->send(dispatch::Marker{.request = 1}), ok_status());
  EXPECT_EQ(front->await<dispatch::Reached>().request, 1u);
}

TEST_F(WorkerTest, AFrontBeyondItsCreditIsHeldBackNotSentAway) {
  auto front = connect();
  define(*front);
  EXPECT_EQ(front->send(sleeping()), ok_status());
  std::thread sender([&] {
    for (uint64_t i = 0; i < 100; ++i) {
      ASSERT_EQ(front->send(upload(i + 1, std::vector<double>(128))), ok_status());
    }
    ASSERT_EQ(front->send(dispatch::Marker{.request = 1}), ok_status());
  });
  std::this_thread::sleep_for(milliseconds(50));
  gate_.open();
  EXPECT_EQ(front->await<dispatch::Reached>().memory.allocated_bytes, 100u * 1024);
  sender.join();
}

TEST_F(WorkerTest, StoppingTellsTheFront) {
  auto front = connect();
  worker_->stop("the lease is over");
  const auto ending = front->await<dispatch::Ending>();
  EXPECT_EQ(ending.code, Code::kUnavailable);
  EXPECT_EQ(ending.text, "the lease is over");
  EXPECT_TRUE(front->is_closed());
}

TEST_F(WorkerTest, StoppingTellsTheFrontDuringACallToo) {
  auto front = connect();
  define(*front);
  EXPECT_EQ(front->send(sleeping()), ok_status());
  front->await<dispatch::Ping>();
  worker_->stop("the lease is over");
  EXPECT_EQ(front->await<dispatch::Ending>().text, "the lease is over");
}

TEST_F(WorkerTest, AFrontThatVanishesDuringACallMakesRoomForTheNext) {
  auto front = connect();
  define(*front);
  EXPECT_EQ(front->send(sleeping()), ok_status());
  front->await<dispatch::Ping>();
  front.reset();
  auto next = reconnect();
  ASSERT_NE(next, nullptr);
  gate_.open();
  EXPECT_EQ(next->send(dispatch::Marker{.request = 1}), ok_status());
  EXPECT_EQ(next->await<dispatch::Reached>().request, 1u);
}

}  // namespace
}  // namespace moai::worker
