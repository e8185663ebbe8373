#include "moai/worker/exec/executor.h"

#include <gmock/gmock.h>

#include "moai/device/fake/fake_device.h"
#include "moai/dispatch/samples.h"
#include "moai/worker/testing/front.h"

namespace moai::worker {
namespace {

using dispatch::Fault;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

// Signatures that every test has.
constexpr graph::SignatureId kAdd = 0, kFill = 1, kNonzero = 2, kFail = 3;

class ExecutorTest : public testing::Test {
 protected:
  ExecutorTest() {
    EXPECT_EQ(execute(dispatch::DefineSignatures{
                  .signatures = {signature_of("aten::add.Tensor(f64[2], f64[2], word) -> f64[2]"),
                                 signature_of("aten::fill_.Scalar(f64[2]!, word) -> _"),
                                 signature_of("aten::nonzero(f64[2]) -> _"),
                                 signature_of("fake::fail(intword) -> f64[2]")}}),
              ok_status());
  }
  Status execute(const dispatch::Message& message) {
    std::string frame;
    dispatch::encode(message, &frame);
    return executor_.execute(frame);
  }
  void upload(StorageId id, const std::vector<double>& values) {
    EXPECT_EQ(execute(dispatch::Upload{
                  .storage = id, .storage_bytes = values.size() * 8, .bytes = bytes_of(values)}),
              ok_status());
  }
  std::vector<double> read(StorageId id) {
    EXPECT_EQ(execute(dispatch::Read{.request = 99, .ranges = {{id, 0, 16}}}), ok_status());
    return doubles_of(replies_.last<dispatch::Data>().bytes);
  }
  void fail_to_make(StorageId id, uint64_t sequence) {
    EXPECT_EQ(execute(dispatch::Run{.first_sequence = sequence,
                                    .program = ProgramBuilder().call(kFail, {id}, {11}).get()}),
              ok_status());
  }

  std::unique_ptr<device::FakeDevice> device_ =
      device::make_fake_device({.device = {.memory_bytes = 1 << 20}});
  KeptReplies replies_;
  Executor executor_{device_.get(), &replies_};
};

TEST_F(ExecutorTest, RunsAStreamedProgram) {
  const auto program = ProgramBuilder()
                           .alloc(1, 16)
                           .call(kFill, {1}, {word_of(3)})
                           .call(kAdd, {1, 1, 2}, {word_of(1)})
                           .free(1)
                           .get();
  EXPECT_EQ(execute(dispatch::Run{.first_sequence = 10, .program = program}), ok_status());
  EXPECT_THAT(read(2), ElementsAre(6, 6));
  EXPECT_EQ(executor_.storage_count(), 1u);
  EXPECT_EQ(execute(dispatch::Marker{.request = 4}), ok_status());
  EXPECT_EQ(replies_.last<dispatch::Reached>().sequence, 11u) << "only calls are counted";
}

TEST_F(ExecutorTest, RunsATemplateInPiecesWithItsReleases) {
  const auto program =
      ProgramBuilder(true).call(kAdd, {0, 1, 2}, {0}).call(kAdd, {2, 1, 3}, {0}).get();
  EXPECT_EQ(execute(dispatch::DefineTemplate{.id = 5, .program = program}), ok_status());
  upload(1, {1, 2});
  upload(2, {10, 20});
  EXPECT_EQ(execute(dispatch::RunTemplate{.id = 5,
                                          .first_sequence = 1,
                                          .end = 1,
                                          .bindings = {1, 2, 3},
                                          .words = {word_of(1)},
                                          .releases = {{1, 1}}}),
            ok_status());
  EXPECT_EQ(execute(dispatch::RunTemplate{.id = 5,
                                          .first_sequence = 2,
                                          .begin = 1,
                                          .end = 2,
                                          .bindings = {4},
                                          .words = {word_of(2)},
                                          .releases = {{2, 2}, {2, 3}}}),
            ok_status());
  EXPECT_THAT(read(4), ElementsAre(31, 62));
  EXPECT_EQ(executor_.storage_count(), 1u);
}

TEST_F(ExecutorTest, ATemplateRunsAgainWithOtherStoragesAndWords) {
  EXPECT_EQ(execute(dispatch::DefineTemplate{
                .id = 5, .program = ProgramBuilder(true).call(kAdd, {0, 0, 1}, {0}).get()}),
            ok_status());
  upload(1, {1, 2});
  for (uint64_t step = 0; step < 3; ++step) {
    EXPECT_EQ(execute(dispatch::RunTemplate{.id = 5,
                                            .first_sequence = step + 1,
                                            .end = 1,
                                            .bindings = {1, 10 + step},
                                            .words = {word_of(static_cast<double>(step))}}),
              ok_status());
  }
  EXPECT_THAT(read(10), ElementsAre(1, 2));
  EXPECT_THAT(read(12), ElementsAre(3, 6));
}

TEST_F(ExecutorTest, CallsWhoseResultsAreReleasedUnreadDoNotRun) {
  // %2 is kept; %3 = f(%2) and %4 = f(%3) are read by nobody else.
  EXPECT_EQ(execute(dispatch::DefineTemplate{.id = 5,
                                             .program = ProgramBuilder(true)
                                                            .call(kAdd, {0, 1, 2}, {0})
                                                            .call(kAdd, {2, 1, 3}, {0})
                                                            .call(kAdd, {3, 2, 4}, {0})
                                                            .get()}),
            ok_status());
  upload(1, {1, 2});
  upload(2, {10, 20});
  dispatch::RunTemplate run{.id = 5,
                            .first_sequence = 1,
                            .end = 3,
                            .bindings = {1, 2, 3, 4, 5},
                            .words = {word_of(1), word_of(1), word_of(1)},
                            .releases = {{3, 4}, {3, 5}}};
  EXPECT_EQ(execute(run), ok_status());
  EXPECT_EQ(device_->calls(), 1u);
  EXPECT_THAT(read(3), ElementsAre(11, 22));
  EXPECT_EQ(executor_.storage_count(), 3u);
  run.bindings = {1, 2, 6, 7, 8};  // the last result stays: it and what it reads are computed
  run.releases = {{3, 7}};
  run.first_sequence = 4;
  EXPECT_EQ(execute(run), ok_status());
  EXPECT_EQ(device_->calls(), 4u);
  EXPECT_THAT(read(8), ElementsAre(32, 64));
}

TEST_F(ExecutorTest, AResultTakesTheMemoryOfAnOperandThatDies) {
  EXPECT_EQ(
      execute(dispatch::DefineTemplate{
          .id = 5,
          .program =
              ProgramBuilder(true).call(kAdd, {0, 1, 2}, {0}).call(kAdd, {2, 1, 3}, {0}).get()}),
      ok_status());
  upload(1, {1, 2});
  upload(2, {10, 20});
  EXPECT_EQ(execute(dispatch::RunTemplate{.id = 5,
                                          .first_sequence = 1,
                                          .end = 2,
                                          .bindings = {1, 2, 3, 4},
                                          .words = {word_of(1), word_of(2)},
                                          .releases = {{2, 3}}}),
            ok_status());
  EXPECT_THAT(read(4), ElementsAre(31, 62));
  EXPECT_EQ(device_->peak_bytes(), 3u * 16);
  const auto streamed = ProgramBuilder().call(kAdd, {4, 1, 5}, {word_of(1)}).free(2).free(4).get();
  EXPECT_EQ(execute(dispatch::Run{.first_sequence = 3, .program = streamed}), ok_status());
  EXPECT_THAT(read(5), ElementsAre(32, 64));
  EXPECT_EQ(device_->peak_bytes(), 3u * 16);
}

TEST_F(ExecutorTest, ReadsSeveralRangesInOrder) {
  upload(1, {1, 2});
  upload(2, {3, 4});
  EXPECT_EQ(execute(dispatch::Read{.request = 7, .ranges = {{2, 8, 8}, {1, 0, 16}, {0, 0, 0}}}),
            ok_status());
  const auto data = replies_.all<dispatch::Data>();
  ASSERT_THAT(data, SizeIs(3));
  EXPECT_THAT(doubles_of(data[0].bytes), ElementsAre(4));
  EXPECT_THAT(doubles_of(data[1].bytes), ElementsAre(1, 2));
  EXPECT_EQ(data[1].request, 7u);
  EXPECT_EQ(data[1].range, 1u);
  EXPECT_THAT(data[2].bytes, IsEmpty());
}

TEST_F(ExecutorTest, AReadOfPoisonIsAnsweredByItsCauseAlone) {
  upload(1, {1, 2});
  fail_to_make(5, 42);
  EXPECT_EQ(execute(dispatch::Read{.request = 7, .ranges = {{1, 0, 16}, {5, 0, 16}}}), ok_status());
  EXPECT_THAT(replies_.all<dispatch::Data>(), IsEmpty());
  const auto fault = replies_.last<Fault>();
  EXPECT_EQ(fault.request, 7u);
  EXPECT_EQ(fault.sequence, 42u);
  EXPECT_EQ(fault.code, Code::kOutOfRange);
  EXPECT_EQ(fault.op, "fake::fail");
}

TEST_F(ExecutorTest, AReadOutsideAStorageIsAFaultOfTheRequest) {
  upload(1, {1, 2});
  for (const dispatch::ReadRange& range :
       std::vector<dispatch::ReadRange>{{1, 8, 16}, {1, uint64_t{1} << 40, 8}, {9, 0, 8}}) {
    EXPECT_EQ(execute(dispatch::Read{.request = 8, .ranges = {range}}), ok_status());
    EXPECT_EQ(replies_.last<Fault>().request, 8u);
    EXPECT_EQ(replies_.last<Fault>().code, Code::kInternal);
  }
}

TEST_F(ExecutorTest, AnAskIsAnsweredWithStoragesOfTheFrontsIds) {
  upload(1, {0, 4});
  EXPECT_EQ(execute(dispatch::Ask{.request = 3,
                                  .sequence = 1,
                                  .signature = kNonzero,
                                  .operands = {1},
                                  .first_result = 100,
                                  .results_max = 4}),
            ok_status());
  const auto answer = replies_.last<dispatch::Answer>();
  EXPECT_EQ(answer.request, 3u);
  ASSERT_THAT(answer.results, SizeIs(1));
  EXPECT_EQ(answer.results[0].storage, 100u);
  EXPECT_EQ(answer.results[0].storage_bytes, 8u);
  EXPECT_THAT(answer.results[0].geometry.sizes, ElementsAre(1, 1));
  EXPECT_EQ(executor_.storage_count(), 2u);
}

TEST_F(ExecutorTest, AnAskWithMoreResultsThanIdsLeavesNothingBehind) {
  upload(1, {0, 4});
  EXPECT_EQ(
      execute(dispatch::Ask{.request = 3, .sequence = 1, .signature = kNonzero, .operands = {1}}),
      ok_status());
  EXPECT_EQ(replies_.last<Fault>().request, 3u);
  EXPECT_THAT(replies_.all<dispatch::Answer>(), IsEmpty());
  EXPECT_EQ(executor_.storage_count(), 1u);
}

TEST_F(ExecutorTest, AnAskOverPoisonIsAFaultOfTheRequest) {
  fail_to_make(5, 42);
  EXPECT_EQ(
      execute(dispatch::Ask{.request = 3, .sequence = 43, .signature = kNonzero, .operands = {5}}),
      ok_status());
  EXPECT_EQ(replies_.last<Fault>().request, 3u);
  EXPECT_EQ(replies_.last<Fault>().sequence, 42u);
}

TEST_F(ExecutorTest, AMarkerTellsFigures) {
  upload(1, {1, 2});
  EXPECT_EQ(execute(dispatch::Marker{.request = 6}), ok_status());
  const auto reached = replies_.last<dispatch::Reached>();
  EXPECT_EQ(reached.request, 6u);
  EXPECT_EQ(reached.memory.allocated_bytes, 16u);
  EXPECT_EQ(reached.memory.peak_bytes, 16u);
  EXPECT_GT(reached.time_ns, 0u);
  EXPECT_GT(reached.busy_ns, 0u);
  EXPECT_LE(reached.busy_ns, executor_.busy_ns());
}

TEST_F(ExecutorTest, AfterAMarkerTheNextFailureIsReportedAgain) {
  fail_to_make(5, 1);
  fail_to_make(6, 2);
  EXPECT_THAT(replies_.all<Fault>(), SizeIs(1));
  EXPECT_EQ(execute(dispatch::Marker{.request = 6}), ok_status());
  fail_to_make(7, 3);
  EXPECT_THAT(replies_.all<Fault>(), SizeIs(2));
}

TEST_F(ExecutorTest, GoodbyeFinishesAndPingDoesNothing) {
  EXPECT_EQ(execute(dispatch::Ping{}), ok_status());
  EXPECT_FALSE(executor_.finished());
  EXPECT_EQ(execute(dispatch::Goodbye{}), ok_status());
  EXPECT_TRUE(executor_.finished());
}

TEST_F(ExecutorTest, SignaturesMustFollowEachOther) {
  const auto signature = signature_of("aten::sum(f64[2], none) -> f64[]");
  EXPECT_THAT(execute(dispatch::DefineSignatures{.first = 9, .signatures = {signature}}).message(),
              HasSubstr("defined so far: 4"));
  EXPECT_THAT(execute(dispatch::DefineSignatures{.first = 4, .signatures = {signature, signature}})
                  .message(),
              HasSubstr("twice"));
}

TEST_F(ExecutorTest, EveryProgramIsVerified) {
  const auto unknown = ProgramBuilder().call(77, {1}).get();
  EXPECT_FALSE(execute(dispatch::Run{.program = unknown}).ok());
  const auto counts = ProgramBuilder(true).call(kAdd, {0, 1}, {0}).get();
  EXPECT_FALSE(execute(dispatch::DefineTemplate{.program = counts}).ok());
  EXPECT_FALSE(execute(dispatch::Ask{.signature = 77}).ok());
  EXPECT_FALSE(execute(dispatch::Ask{.signature = kNonzero}).ok()) << "no operand";
  EXPECT_FALSE(execute(dispatch::Run{.program = ProgramBuilder(true).alloc(0, 8).get()}).ok());
  EXPECT_FALSE(execute(dispatch::DefineTemplate{.program = ProgramBuilder().get()}).ok());
  EXPECT_FALSE(execute(dispatch::RunTemplate{.id = 3}).ok());
  EXPECT_FALSE(execute(dispatch::DropTemplate{.id = 3}).ok());
}

TEST_F(ExecutorTest, HostileBytesEndTheConnectionAndCrashNothing) {
  for (const dispatch::Message& message : dispatch::samples()) {
    std::string frame;
    dispatch::encode(message, &frame);
    for (size_t cut = 0; cut < frame.size(); ++cut) {
      EXPECT_FALSE(Executor(device_.get(), &replies_).execute(frame.substr(0, cut)).ok());
    }
    for (size_t at = 0; at < frame.size(); ++at) {
      std::string changed = frame;
      changed[at] = static_cast<char>(changed[at] ^ 0x55);
      Executor victim(device_.get(), &replies_);
      victim.execute(changed).ignore("some changes leave a good frame");
    }
  }
}

TEST_F(ExecutorTest, MessagesOfAWorkerAreRefused) {
  EXPECT_EQ(execute(dispatch::Welcome{}).code(), Code::kInvalidArgument);
  EXPECT_EQ(execute(dispatch::Credit{.bytes = 1}).code(), Code::kInvalidArgument);
  EXPECT_EQ(execute(dispatch::Hello{.secret = std::string(32, 'k')}).code(), Code::kInvalidArgument)
      << "a second Hello";
}

}  // namespace
}  // namespace moai::worker
