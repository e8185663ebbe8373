#include "moai/driver/stream/answers.h"

#include <gmock/gmock.h>

#include <thread>

namespace moai::driver {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;
using testing::HasSubstr;

std::string data(dispatch::RequestId request, uint32_t range, const std::string& bytes) {
  std::string frame;
  dispatch::encode(dispatch::Data{request, range, bytes}, &frame);
  return frame;
}

dispatch::Fault fault(dispatch::RequestId request, const std::string& text) {
  return {.request = request,
          .sequence = 9,
          .code = Code::kOutOfRange,
          .op = "aten::add",
          .text = text};
}

std::string bytes_of(const std::string& frame) {
  const auto view = dispatch::data_view(frame);
  return view ? std::string(view->bytes) : "no data";
}

TEST(Answers, AReadIsDoneWithItsLastRange) {
  Answers answers;
  answers.expect(1, 2);
  EXPECT_FALSE(answers.done(1));
  EXPECT_EQ(answers.data(data(1, 1, "second")), ok_status());
  EXPECT_FALSE(answers.done(1));
  EXPECT_EQ(answers.data(data(1, 0, "first")), ok_status());
  ASSERT_TRUE(answers.done(1));
  const Reply reply = answers.take(1);
  EXPECT_EQ(reply.status, ok_status());
  ASSERT_EQ(reply.frames.size(), 2u);
  EXPECT_EQ(bytes_of(reply.frames[0]), "first");
  EXPECT_EQ(bytes_of(reply.frames[1]), "second");
}

TEST(Answers, ARangeMayBeEmpty) {
  Answers answers;
  answers.expect(1, 1);
  EXPECT_EQ(answers.data(data(1, 0, "")), ok_status());
  EXPECT_TRUE(answers.done(1));
}

TEST(Answers, ToExpectTwiceChangesNothing) {
  Answers answers;
  answers.expect(1, 2);
  EXPECT_EQ(answers.data(data(1, 0, "a")), ok_status());
  answers.expect(1, 2);
  EXPECT_EQ(answers.data(data(1, 1, "b")), ok_status());
  EXPECT_TRUE(answers.done(1));
}

TEST(Answers, AnAskIsDoneWithItsAnswer) {
  Answers answers;
  answers.expect(4, 0);
  EXPECT_FALSE(answers.done(4));
  EXPECT_EQ(answers.answer({4, {{.kind = dispatch::Value::Kind::kInt, .integer = 7}}}),
            ok_status());
  ASSERT_TRUE(answers.done(4));
  const Reply reply = answers.take(4);
  ASSERT_EQ(reply.values.size(), 1u);
  EXPECT_EQ(reply.values[0].integer, 7);
}

TEST(Answers, RefusesWhatWasNotAskedFor) {
  Answers answers;
  answers.expect(1, 1);
  answers.expect(2, 0);
  EXPECT_EQ(answers.data("\x01 no frame").code(), Code::kInvalidArgument) << "malformed";
  EXPECT_THAT(answers.data(data(3, 0, "x")).message(), HasSubstr("request 3, range 0"));
  EXPECT_EQ(answers.data(data(1, 1, "x")).code(), Code::kInvalidArgument) << "no such range";
  EXPECT_EQ(answers.data(data(2, 0, "x")).code(), Code::kInvalidArgument) << "data for an Ask";
  EXPECT_EQ(answers.answer({1, {}}).code(), Code::kInvalidArgument) << "an answer to a Read";
  EXPECT_THAT(answers.answer({8, {}}).message(), HasSubstr("request 8"));
  EXPECT_EQ(answers.data(data(1, 0, "x")), ok_status());
  EXPECT_EQ(answers.data(data(1, 0, "x")).code(), Code::kInvalidArgument) << "twice";
}

TEST(Answers, AReplyIsTakenOnce) {
  Answers answers;
  answers.expect(1, 0);
  EXPECT_EQ(answers.answer({1, {}}), ok_status());
  EXPECT_EQ(answers.take(1).status, ok_status());
  EXPECT_TRUE(answers.done(1)) << "nobody waits for what is gone";
  EXPECT_EQ(answers.take(1).status.code(), Code::kInternal);
}

// ---- requests that nobody waits for

TEST(Answers, EveryRangeOfAnAbandonedReadIsDropped) {
  Answers answers;
  answers.expect(1, 3);
  EXPECT_EQ(answers.data(data(1, 0, "a")), ok_status());
  answers.abandon(1);
  EXPECT_EQ(answers.data(data(1, 1, "b")), ok_status());
  EXPECT_EQ(answers.data(data(1, 2, "c")), ok_status());
  EXPECT_EQ(answers.data(data(1, 2, "c")).code(), Code::kInvalidArgument) << "all had come";
}

TEST(Answers, TheAnswerAndTheFaultOfAbandonedRequestsAreDropped) {
  Answers answers;
  answers.expect(1, 0);
  answers.expect(2, 1);
  answers.abandon(1);
  answers.abandon(2);
  EXPECT_EQ(answers.answer({1, {}}), ok_status());
  EXPECT_EQ(answers.answer({1, {}}).code(), Code::kInvalidArgument);
  answers.fault(fault(2, "nobody wants to know"));
  EXPECT_FALSE(answers.has_fault());
}

TEST(Answers, ToAbandonWhatIsDoneOrUnknownForgetsIt) {
  Answers answers;
  answers.expect(1, 1);
  EXPECT_EQ(answers.data(data(1, 0, "a")), ok_status());
  answers.abandon(1);
  answers.abandon(99);
  EXPECT_EQ(answers.data(data(1, 0, "a")).code(), Code::kInvalidArgument);
}

// ---- faults

TEST(Answers, TheFaultOfARequestEndsItAlone) {
  Answers answers;
  answers.expect(1, 2);
  answers.expect(2, 0);
  answers.fault(fault(1, "index 5 is out of range"));
  EXPECT_FALSE(answers.done(2));
  EXPECT_FALSE(answers.has_fault());
  ASSERT_TRUE(answers.done(1));
  const Reply reply = answers.take(1);
  EXPECT_EQ(reply.status, Status(Code::kOutOfRange, "index 5 is out of range"));
  EXPECT_EQ(reply.fault.op, "aten::add");
  EXPECT_EQ(reply.fault.sequence, 9u);
}

TEST(Answers, TheFirstFaultOfTheStreamIsKeptUntilItIsTaken) {
  Answers answers;
  EXPECT_FALSE(answers.has_fault());
  EXPECT_EQ(answers.take_fault(), std::nullopt);
  answers.fault(fault(0, "first"));
  answers.fault(fault(0, "second"));
  EXPECT_TRUE(answers.has_fault());
  EXPECT_EQ(answers.take_fault()->text, "first");
  EXPECT_EQ(answers.take_fault(), std::nullopt);
  answers.fault(fault(0, "third"));
  EXPECT_EQ(answers.take_fault()->text, "third");
}

// ---- markers

TEST(Answers, AMarkerIsReachedWithAnyLaterOne) {
  Answers answers;
  EXPECT_EQ(answers.marker(3), std::nullopt);
  answers.reached({.request = 3, .time_ns = 30});
  answers.reached({.request = 7, .time_ns = 70});
  EXPECT_EQ(answers.marker(3)->time_ns, 30u);
  EXPECT_EQ(answers.marker(5)->time_ns, 70u);
  EXPECT_EQ(answers.marker(8), std::nullopt);
}

TEST(Answers, TimesOfLongGoneMarkersAreForgotten) {
  Answers answers;
  constexpr uint64_t kCount = (1 << 16) + 10;
  for (uint64_t i = 1; i <= kCount; ++i) answers.reached({.request = i, .time_ns = i});
  EXPECT_EQ(answers.marker(1)->time_ns, 11u) << "of the oldest that is kept";
  EXPECT_EQ(answers.marker(kCount)->time_ns, kCount);
}

// ---- the end

TEST(Answers, FailingEndsWhatIsMissingAndWhatComesLater) {
  Answers answers;
  answers.expect(1, 1);
  answers.expect(2, 1);
  answers.expect(3, 1);
  answers.abandon(3);
  EXPECT_EQ(answers.data(data(1, 0, "a")), ok_status());
  const Status gone = unavailable("gone");
  answers.fail(gone);
  answers.fail(internal_error("a later reason does not count"));
  EXPECT_EQ(answers.take(1).status, ok_status()) << "it had come before";
  ASSERT_TRUE(answers.done(2));
  EXPECT_EQ(answers.take(2).status, gone);
  answers.expect(4, 1);
  ASSERT_TRUE(answers.done(4));
  EXPECT_EQ(answers.take(4).status, gone);
}

// ---- waiting

TEST(Answers, WaitReturnsAtOnceWhenSomethingChangedSince) {
  Answers answers;
  const uint64_t seen = answers.changes();
  answers.notify();
  const auto start = steady_clock::now();
  EXPECT_EQ(answers.wait(seen, milliseconds(10'000)), answers.changes());
  EXPECT_LT(steady_clock::now() - start, milliseconds(5000));
}

TEST(Answers, WaitEndsWithItsTime) {
  Answers answers;
  const uint64_t seen = answers.changes();
  EXPECT_EQ(answers.wait(seen, milliseconds(20)), seen);
}

TEST(Answers, EveryKindOfReplyWakesWhoWaits) {
  Answers answers;
  answers.expect(1, 1);
  answers.expect(2, 0);
  answers.expect(3, 1);
  const std::vector<std::function<void()>> replies = {
      [&] { EXPECT_EQ(answers.data(data(1, 0, "a")), ok_status()); },
      [&] { EXPECT_EQ(answers.answer({2, {}}), ok_status()); },
      [&] { answers.fault(fault(3, "of a request")); },
      [&] { answers.fault(fault(0, "of the stream")); },
      [&] { answers.reached({.request = 5}); },
      [&] { answers.fail(unavailable("gone")); },
  };
  for (const auto& reply : replies) {
    const uint64_t seen = answers.changes();
    std::thread other(reply);
    EXPECT_NE(answers.wait(seen, milliseconds(10'000)), seen);
    other.join();
  }
}

}  // namespace
}  // namespace moai::driver
