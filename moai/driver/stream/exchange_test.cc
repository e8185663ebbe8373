#include "moai/driver/stream/exchange.h"

#include <gmock/gmock.h>

#include <atomic>
#include <thread>
#include <tuple>

#include "moai/driver/testing/scripted_worker.h"

namespace moai::driver {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;
using testing::HasSubstr;

constexpr ExchangeOptions kImpatient{.silence_max = milliseconds(250)};

ops::CallSignature signature(const std::string& text) {
  return ops::call_signature_from_string(text).value();
}

class ExchangeTest : public testing::Test {
 protected:
  static dispatch::Hello hello() {
    return {.secret = std::string(dispatch::kSecretBytes, 's'), .epoch = 7};
  }
  Result<std::unique_ptr<Exchange>> greet(const Interrupt& interrupt = {},
                                          ExchangeOptions options = {}) {
    return Exchange::open(worker_.front(), hello(), &signatures_, &answers_, interrupt, options);
  }
  // An Exchange that was welcomed.
  std::unique_ptr<Exchange> open(ExchangeOptions options = {}, uint64_t credit_bytes = 1 << 20) {
    worker_.say(dispatch::Welcome{.worker = "worker 0", .credit_bytes = credit_bytes});
    auto exchange = greet({}, options);
    EXPECT_TRUE(exchange.ok()) << exchange.status().to_string();
    EXPECT_EQ(worker_.expect<dispatch::Hello>().epoch, 7u);
    return std::move(*exchange);
  }
  static dispatch::Upload upload(size_t size) {
    return {.storage = 1, .storage_bytes = size, .bytes = std::string(size, 'x')};
  }
  // Pumps until it fails.
  static Status pump_to_the_end(Exchange* exchange) {
    const auto give_up = steady_clock::now() + std::chrono::seconds(20);
    while (steady_clock::now() < give_up) MOAI_RETURN_IF_ERROR(exchange->pump());
    return ok_status();
  }

  graph::SignatureTable signatures_;
  Answers answers_;
  ScriptedWorker worker_;
};

// ---- the greeting

TEST_F(ExchangeTest, GoesOnWhereAnotherHasGreeted) {
  const dispatch::Welcome welcome{
      .worker = "worker 2", .credit_bytes = 1 << 20, .rank = 2, .ranks = 4};
  auto exchange = Exchange::over(worker_.front(), welcome, &signatures_, &answers_);
  EXPECT_EQ(exchange->welcome().rank, 2u);
  EXPECT_EQ(exchange->send(dispatch::Ping{}, {}), ok_status());
  worker_.expect<dispatch::Ping>();
}

TEST_F(ExchangeTest, IsOpenOnceTheWorkerWelcomes) {
  worker_.say(dispatch::Ping{});
  auto exchange = open();
  EXPECT_EQ(exchange->welcome().worker, "worker 0");
  EXPECT_EQ(exchange->ending(), ok_status());
  EXPECT_EQ(exchange->counters().frames_sent, 1u);
}

TEST_F(ExchangeTest, ARefusalIsReturnedInTheWorkersWords) {
  worker_.say(dispatch::Refused{Code::kPermissionDenied, "the lease has epoch 6"});
  EXPECT_EQ(greet().status(), Status(Code::kPermissionDenied, "the lease has epoch 6"));
}

TEST_F(ExchangeTest, AnythingElseIsNoGreeting) {
  worker_.say(dispatch::Credit{5});
  EXPECT_EQ(greet().status().code(), Code::kInternal);
}

TEST_F(ExchangeTest, HostileBytesAreNoGreeting) {
  worker_.say_bytes("\xff\xff");
  EXPECT_EQ(greet().status().code(), Code::kInvalidArgument);
}

TEST_F(ExchangeTest, AWorkerThatSaysNothingIsGivenUp) {
  EXPECT_EQ(greet({}, kImpatient).status().code(), Code::kDeadlineExceeded);
}

TEST_F(ExchangeTest, TheGreetingLooksAtItsInterrupt) {
  const auto start = steady_clock::now();
  EXPECT_EQ(greet([] { return cancelled("stop"); }).status(), cancelled("stop"));
  EXPECT_LT(steady_clock::now() - start, milliseconds(2000));
}

// ---- sending

TEST_F(ExchangeTest, SignaturesGoAheadOfWhatMayNameThem) {
  auto exchange = open();
  signatures_.intern(signature("aten::sum(f64[2]) -> f64[]"));
  EXPECT_EQ(exchange->send(dispatch::Marker{1}, {}), ok_status());
  EXPECT_EQ(worker_.expect<dispatch::DefineSignatures>().signatures.size(), 1u);
  EXPECT_EQ(worker_.expect<dispatch::Marker>().request, 1u);
  EXPECT_EQ(exchange->send(dispatch::Marker{2}, {}), ok_status());
  EXPECT_EQ(worker_.expect<dispatch::Marker>().request, 2u) << "defined once";
}

TEST_F(ExchangeTest, ManySignaturesGoInSeveralFrames) {
  auto exchange = open();
  for (int i = 1; i <= 300; ++i) {
    signatures_.intern(signature("aten::sum(f64[" + std::to_string(i) + "]) -> f64[]"));
  }
  EXPECT_EQ(exchange->send(dispatch::Marker{1}, {}), ok_status());
  const auto first = worker_.expect<dispatch::DefineSignatures>();
  const auto second = worker_.expect<dispatch::DefineSignatures>();
  EXPECT_EQ(first.first, 0u);
  EXPECT_EQ(second.first, first.signatures.size());
  EXPECT_EQ(first.signatures.size() + second.signatures.size(), 300u);
}

TEST_F(ExchangeTest, AnUploadArrivesWithItsBytes) {
  auto exchange = open();
  const dispatch::Upload sent{.storage = 4, .storage_bytes = 16, .offset = 8, .bytes = "12345678"};
  EXPECT_EQ(exchange->send(sent, {}), ok_status());
  EXPECT_EQ(worker_.expect<dispatch::Upload>(), sent);
}

TEST_F(ExchangeTest, AMessageBeyondTheCreditWaitsForIt) {
  auto exchange = open({}, 1000);
  EXPECT_EQ(exchange->send(upload(900), {}), ok_status());
  std::atomic<bool> sent{false};
  std::thread sender([&] {
    EXPECT_EQ(exchange->send(upload(200), {}), ok_status());
    sent = true;
  });
  worker_.expect<dispatch::Upload>();
  EXPECT_EQ(worker_.hear(milliseconds(50)).status().code(), Code::kDeadlineExceeded);
  EXPECT_FALSE(sent);
  worker_.say(dispatch::Credit{950});
  EXPECT_EQ(worker_.expect<dispatch::Upload>().bytes.size(), 200u);
  sender.join();
}

TEST_F(ExchangeTest, AMessageLargerThanAllCreditGoesAlone) {
  auto exchange = open({}, 100);
  EXPECT_EQ(exchange->send(upload(5000), {}), ok_status());
  EXPECT_EQ(worker_.expect<dispatch::Upload>().bytes.size(), 5000u);
}

TEST_F(ExchangeTest, MoreCreditThanWasUsedIsWorthNoMore) {
  auto exchange = open({}, 1000);
  EXPECT_EQ(exchange->send(upload(900), {}), ok_status());
  worker_.say(dispatch::Credit{uint64_t{1} << 60});
  EXPECT_EQ(exchange->send(upload(900), {}), ok_status());
  EXPECT_EQ(exchange->send(upload(900), [] { return cancelled("stop"); }), cancelled("stop"));
}

TEST_F(ExchangeTest, AnInterruptedSendMayBeTriedAgain) {
  auto exchange = open({}, 1000);
  EXPECT_EQ(exchange->send(upload(900), {}), ok_status());
  const auto start = steady_clock::now();
  EXPECT_EQ(exchange->send(upload(200), [] { return cancelled("stop"); }), cancelled("stop"));
  EXPECT_LT(steady_clock::now() - start, milliseconds(2000));
  worker_.expect<dispatch::Upload>();
  EXPECT_EQ(worker_.hear(milliseconds(20)).status().code(), Code::kDeadlineExceeded)
      << "nothing of it was sent";
  worker_.say(dispatch::Credit{worker_.heard_bytes});
  EXPECT_EQ(exchange->send(upload(200), {}), ok_status());
  EXPECT_EQ(worker_.expect<dispatch::Upload>().bytes.size(), 200u);
}

TEST_F(ExchangeTest, AnInterruptBeforeTheSignaturesLeavesThemToTheNextTime) {
  auto exchange = open({}, 100);
  EXPECT_EQ(exchange->send(upload(90), {}), ok_status());
  signatures_.intern(signature("aten::sum(f64[2]) -> f64[]"));
  EXPECT_EQ(exchange->send(dispatch::Marker{1}, [] { return cancelled("stop"); }).code(),
            Code::kCancelled);
  worker_.expect<dispatch::Upload>();
  worker_.say(dispatch::Credit{worker_.heard_bytes});
  EXPECT_EQ(exchange->send(dispatch::Marker{1}, {}), ok_status());
  EXPECT_EQ(worker_.expect<dispatch::DefineSignatures>().first, 0u);
  worker_.expect<dispatch::Marker>();
}

TEST_F(ExchangeTest, AWorkerThatTakesNoByteIsGivenUp) {
  ScriptedWorker small(64);
  small.say(dispatch::Welcome{.credit_bytes = 1 << 20});
  auto exchange = Exchange::open(small.front(), hello(), &signatures_, &answers_, {}, kImpatient);
  ASSERT_TRUE(exchange.ok());
  small.expect<dispatch::Hello>();
  EXPECT_EQ((*exchange)->send(upload(100), {}), ok_status());
  EXPECT_EQ((*exchange)->send(upload(100), {}).code(), Code::kDeadlineExceeded);
  EXPECT_EQ((*exchange)->pump().code(), Code::kUnavailable) << "the link is broken for all";
}

// ---- receiving

TEST_F(ExchangeTest, PumpHandsEachReplyToItsRequest) {
  auto exchange = open();
  answers_.expect(1, 1);
  answers_.expect(2, 0);
  answers_.expect(3, 1);
  worker_.say(dispatch::Data{1, 0, "bytes"});
  worker_.say(dispatch::Answer{2, {}});
  worker_.say(dispatch::Fault{.request = 3, .code = Code::kInternal, .text = "no"});
  worker_.say(dispatch::Fault{.sequence = 1, .code = Code::kUnknown, .text = "of the stream"});
  worker_.say(dispatch::Reached{.request = 4});
  worker_.say(dispatch::Ping{});
  for (int i = 0; i < 6; ++i) EXPECT_EQ(exchange->pump(), ok_status());
  EXPECT_TRUE(answers_.done(1) && answers_.done(2) && answers_.done(3));
  EXPECT_EQ(answers_.take(3).status.message(), "no");
  EXPECT_EQ(answers_.take_fault()->text, "of the stream");
  EXPECT_TRUE(answers_.marker(4));
}

TEST_F(ExchangeTest, PumpReturnsWhenNothingComes) {
  auto exchange = open();
  EXPECT_EQ(exchange->pump(), ok_status());
}

TEST_F(ExchangeTest, DrainTakesWhatIsThereAndDoesNotWait) {
  auto exchange = open();
  const auto start = steady_clock::now();
  EXPECT_EQ(exchange->drain(), ok_status());
  EXPECT_LT(steady_clock::now() - start, milliseconds(90));
  for (uint64_t i = 1; i <= 3; ++i) worker_.say(dispatch::Reached{.request = i});
  const uint64_t seen = answers_.changes();
  EXPECT_EQ(exchange->drain(), ok_status());
  EXPECT_TRUE(answers_.marker(3));
  EXPECT_NE(answers_.changes(), seen);
  worker_.leave();
  EXPECT_EQ(exchange->drain().code(), Code::kUnavailable);
}

// One of the waiting threads receives for all; when it has what it wanted another one takes over.
TEST_F(ExchangeTest, ManyThreadsWaitTogether) {
  auto exchange = open();
  constexpr uint64_t kThreads = 6, kEach = 50;
  std::vector<std::thread> threads;
  for (uint64_t t = 0; t < kThreads; ++t) {
    for (uint64_t i = 0; i < kEach; ++i) answers_.expect(1 + t * kEach + i, 1);
    threads.emplace_back([&, t] {
      for (uint64_t i = 0; i < kEach; ++i) {
        const uint64_t request = 1 + t * kEach + i;
        while (!answers_.done(request)) ASSERT_EQ(exchange->pump(), ok_status());
        const Reply reply = answers_.take(request);
        ASSERT_EQ(dispatch::data_view(reply.frames[0])->bytes, std::to_string(request));
      }
    });
  }
  const auto start = steady_clock::now();
  // Interleaved, so that each frame is for another thread than the one before.
  for (uint64_t i = 0; i < kEach; ++i) {
    for (uint64_t t = 0; t < kThreads; ++t) {
      const uint64_t request = 1 + t * kEach + i;
      worker_.say(dispatch::Data{request, 0, std::to_string(request)});
    }
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_LT(steady_clock::now() - start, std::chrono::seconds(10)) << "nobody slept a patience";
}

// ---- the end

TEST_F(ExchangeTest, SilenceIsTheEnd) {
  auto exchange = open(kImpatient);
  const auto start = steady_clock::now();
  const Status status = pump_to_the_end(exchange.get());
  EXPECT_EQ(status.code(), Code::kUnavailable);
  EXPECT_THAT(status.message(), HasSubstr("no sign of life"));
  EXPECT_GT(steady_clock::now() - start, milliseconds(200));
  EXPECT_EQ(exchange->send(dispatch::Marker{1}, {}).code(), Code::kUnavailable);
}

TEST_F(ExchangeTest, APingIsASignOfLife) {
  auto exchange = open(kImpatient);
  for (int i = 0; i < 5; ++i) {
    for (int k = 0; k < 2; ++k) ASSERT_EQ(exchange->pump(), ok_status());
    worker_.say(dispatch::Ping{});
    ASSERT_EQ(exchange->pump(), ok_status());
  }
}

TEST_F(ExchangeTest, SilenceWhileWaitingForCreditIsTheEndToo) {
  auto exchange = open(kImpatient, 100);
  EXPECT_EQ(exchange->send(upload(90), {}), ok_status());
  EXPECT_EQ(exchange->send(upload(90), {}).code(), Code::kUnavailable);
}

TEST_F(ExchangeTest, WhyTheWorkerEndsIsWhatEverybodyIsTold) {
  auto exchange = open();
  const Status why(Code::kAborted, "the lease was revoked");
  worker_.say(dispatch::Ending{why.code(), why.message()});
  worker_.leave();
  EXPECT_EQ(pump_to_the_end(exchange.get()), why);
  EXPECT_EQ(exchange->ending(), why);
  EXPECT_EQ(exchange->pump(), why);
  EXPECT_EQ(exchange->send(dispatch::Marker{1}, {}), why);
}

TEST_F(ExchangeTest, WhyTheWorkerEndsIsToldToWhoSendsFirst) {
  auto exchange = open();
  const Status why(Code::kAborted, "the lease was revoked");
  worker_.say(dispatch::Reached{.request = 1});
  worker_.say(dispatch::Ending{why.code(), why.message()});
  worker_.leave();
  EXPECT_EQ(exchange->send(dispatch::Marker{1}, {}), why);
  EXPECT_TRUE(answers_.marker(1)) << "what came before counts";
}

TEST_F(ExchangeTest, AClosedLinkIsNeverCalledAnInterrupt) {
  auto exchange = open();
  std::thread closer([&] {
    std::this_thread::sleep_for(milliseconds(20));
    exchange->close();
  });
  EXPECT_EQ(pump_to_the_end(exchange.get()).code(), Code::kUnavailable);
  EXPECT_EQ(exchange->send(dispatch::Marker{1}, {}).code(), Code::kUnavailable);
  closer.join();
}

TEST_F(ExchangeTest, HostileFramesBreakTheConnection) {
  std::string truncated;
  dispatch::encode(dispatch::Data{1, 0, "bytes"}, &truncated);
  truncated.pop_back();
  std::string from_a_front;
  dispatch::encode(dispatch::Marker{1}, &from_a_front);
  std::string not_asked, not_asked_answer;
  dispatch::encode(dispatch::Data{77, 0, "bytes"}, &not_asked);
  dispatch::encode(dispatch::Answer{77, {}}, &not_asked_answer);
  for (const std::string& frame :
       {std::string(), std::string("\xff"), truncated, from_a_front, not_asked, not_asked_answer}) {
    worker_ = ScriptedWorker();
    auto exchange = open();
    worker_.say_bytes(frame);
    const Status status = exchange->pump();
    EXPECT_FALSE(status.ok());
    EXPECT_EQ(worker_.hear().status().code(), Code::kUnavailable) << "the Worker is cut off";
  }
}

TEST_F(ExchangeTest, GoodbyeIsSaidBeforeTheEnd) {
  auto exchange = open();
  exchange->say_goodbye();
  exchange->close();
  EXPECT_TRUE(std::holds_alternative<dispatch::Goodbye>(*worker_.hear()));
  EXPECT_EQ(worker_.hear().status().code(), Code::kUnavailable);
}

TEST_F(ExchangeTest, ALinkWithoutADescriptorHasNoCopyToClose) {
  auto exchange = open();
  exchange->close_copy();
  EXPECT_EQ(exchange->pump(), ok_status());
}

}  // namespace
}  // namespace moai::driver
