#include "moai/worker/exec/stream.h"

#include <gmock/gmock.h>

#include "moai/device/fake/fake_device.h"
#include "moai/worker/testing/front.h"

namespace moai::worker {
namespace {

using device::make_fake_device;
using dispatch::Fault;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

class StreamTest : public testing::Test {
 protected:
  SignatureId define(const std::string& text) {
    return stream_.signatures().intern(signature_of(text));
  }
  void upload(StorageId id, const std::vector<double>& values) {
    EXPECT_EQ(stream_.upload(id, values.size() * 8, 0, bytes_of(values)), ok_status());
  }
  std::vector<double> values(StorageId id) {
    const Storage* storage = stream_.storages().find(id);
    EXPECT_NE(storage, nullptr);
    std::vector<double> values(storage->buffer->size_bytes() / 8);
    EXPECT_EQ(device_->copy_out(*storage->buffer, 0, values.size() * 8,
                                reinterpret_cast<char*>(values.data())),
              ok_status());
    return values;
  }
  bool poisoned(StorageId id) { return stream_.storages().find(id)->poison != nullptr; }
  Status call(SignatureId signature, std::vector<StorageId> places,
              std::vector<uint64_t> words = {}) {
    return stream_.call(signature, places, words, ++sequence_);
  }
  // Makes storage `id` of two doubles by a call that fails.
  void fail_to_make(StorageId id) {
    const auto failing = define("fake::fail(intword) -> f64[2]");
    EXPECT_EQ(call(failing, {id}, {static_cast<uint64_t>(Code::kOutOfRange)}), ok_status());
  }

  std::unique_ptr<device::FakeDevice> device_ = make_fake_device();
  KeptReplies replies_;
  Stream stream_{device_.get(), &replies_};
  uint64_t sequence_ = 0;
};

TEST_F(StreamTest, CallsReadAndMakeStorages) {
  const auto add = define("aten::add.Tensor(f64[2], f64[2], word) -> f64[2]");
  upload(1, {1, 2});
  upload(2, {10, 20});
  EXPECT_EQ(call(add, {1, 2, 3}, {word_of(1)}), ok_status());
  EXPECT_EQ(call(add, {3, 3, 4}, {word_of(1)}), ok_status());
  EXPECT_THAT(values(4), ElementsAre(22, 44));
  EXPECT_EQ(stream_.sequence(), 2u);
  EXPECT_THAT(replies_.messages, IsEmpty());
}

TEST_F(StreamTest, AnOperandThatDiesGivesItsMemoryOnlyWhereItMay) {
  const auto add = define("aten::add.Tensor(f64[2], f64[2], word) -> f64[2]");
  upload(1, {1, 2});
  upload(2, {10, 20});
  const std::vector<uint64_t> one = {word_of(1)};
  const device::Buffer* memory = stream_.storages().find(1)->buffer.get();
  EXPECT_EQ(stream_.call(add, std::vector<StorageId>{1, 2, 3}, one, 1, true), ok_status());
  EXPECT_EQ(stream_.storages().find(3)->buffer.get(), memory);
  EXPECT_EQ(stream_.storages().find(1)->buffer, nullptr);
  EXPECT_EQ(stream_.free(1), ok_status());
  EXPECT_THAT(values(3), ElementsAre(11, 22));

  EXPECT_EQ(stream_.call(add, std::vector<StorageId>{3, 3, 4}, one, 2, true), ok_status());
  EXPECT_THAT(values(4), ElementsAre(22, 44));
  EXPECT_THAT(values(3), ElementsAre(11, 22)) << "it is read as the second operand too";
  upload(5, {1, 2, 3});
  EXPECT_EQ(stream_.call(add, std::vector<StorageId>{5, 2, 6}, one, 3, true), ok_status());
  EXPECT_THAT(values(6), ElementsAre(11, 22));
  EXPECT_THAT(values(5), ElementsAre(1, 2, 3)) << "it is larger than the result";
}

TEST_F(StreamTest, ACallThatIsLeftOutMakesStoragesWithoutMemory) {
  const auto add = define("aten::add.Tensor(f64[2], f64[2], word) -> f64[2]");
  upload(1, {1, 2});
  EXPECT_EQ(stream_.leave_out(add, std::vector<StorageId>{1, 1, 3}, 7), ok_status());
  EXPECT_EQ(stream_.sequence(), 7u);
  EXPECT_EQ(stream_.storages().find(3)->buffer, nullptr);
  EXPECT_FALSE(poisoned(3));
  EXPECT_EQ(device_->calls(), 0u);
  EXPECT_EQ(stream_.free(3), ok_status());
}

TEST_F(StreamTest, AllocResizeAndFreeDoWhatTheySay) {
  EXPECT_EQ(stream_.alloc(1, 16), ok_status());
  EXPECT_EQ(stream_.resize(1, 32), ok_status());
  EXPECT_EQ(stream_.storages().find(1)->buffer->size_bytes(), 32u);
  EXPECT_EQ(device_->allocated_bytes(), 32u);
  EXPECT_EQ(stream_.free(1), ok_status());
  EXPECT_EQ(device_->allocated_bytes(), 0u);
}

TEST_F(StreamTest, AnEmptyStorageGetsMemoryWhenItGrows) {
  EXPECT_EQ(stream_.alloc(1, 0), ok_status());
  EXPECT_EQ(stream_.storages().find(1)->buffer, nullptr);
  EXPECT_EQ(stream_.resize(1, 16), ok_status());
  EXPECT_EQ(stream_.storages().find(1)->buffer->size_bytes(), 16u);
}

TEST_F(StreamTest, UnknownOrDoubleStoragesBreakTheProtocol) {
  const auto add = define("aten::add.Tensor(f64[2], f64[2], word) -> f64[2]");
  upload(1, {1, 2});
  EXPECT_EQ(stream_.alloc(1, 8).code(), Code::kInvalidArgument);
  EXPECT_EQ(stream_.alloc(0, 8).code(), Code::kInvalidArgument);
  EXPECT_EQ(stream_.free(9).code(), Code::kInvalidArgument);
  EXPECT_EQ(stream_.resize(9, 8).code(), Code::kInvalidArgument);
  EXPECT_EQ(call(add, {1, 9, 3}, {word_of(1)}).code(), Code::kInvalidArgument);
  EXPECT_EQ(call(add, {1, 1, 1}, {word_of(1)}).code(), Code::kInvalidArgument);
  EXPECT_EQ(stream_.upload(1, 16, 8, bytes_of({1, 2})).code(), Code::kInvalidArgument);
}

TEST_F(StreamTest, AnUploadMakesTheStorageAndMayComeInParts) {
  EXPECT_EQ(stream_.upload(1, 16, 8, bytes_of({2})), ok_status());
  EXPECT_EQ(stream_.upload(1, 16, 0, bytes_of({1})), ok_status());
  EXPECT_THAT(values(1), ElementsAre(1, 2));
}

TEST_F(StreamTest, ARegionIsSkippedWhenItsConditionHolds) {
  const auto skip_if = define("moai::skip_if(f32[])"), skip_end = define("moai::skip_end()");
  const auto add_to = define("aten::add_.Tensor(f64[2]!, f64[2], word) -> _");
  const auto add = define("aten::add.Tensor(f64[2], f64[2], word) -> f64[2]");
  upload(1, {1, 2});
  StorageId made = 10;
  for (const float condition : {0.0f, 1.0f, 0.0f}) {
    const std::string_view bytes(reinterpret_cast<const char*>(&condition), sizeof condition);
    EXPECT_EQ(stream_.upload(2, 4, 0, bytes), ok_status());
    EXPECT_EQ(call(skip_if, {2}), ok_status());
    EXPECT_EQ(call(add_to, {1, 1}, {word_of(1)}), ok_status());
    EXPECT_EQ(call(add, {1, 1, made}, {word_of(1)}), ok_status());
    EXPECT_EQ(call(skip_end, {}), ok_status());
    EXPECT_EQ(poisoned(made), condition != 0);
    EXPECT_EQ(stream_.free(made++), ok_status());
  }
  EXPECT_THAT(values(1), ElementsAre(4, 8)) << "doubled twice";
  EXPECT_THAT(replies_.messages, IsEmpty()) << "which is no failure";
}

TEST_F(StreamTest, ARegionNeedsOneCondition) {
  const auto skip_if = define("moai::skip_if(f64[2])");
  upload(1, {1, 2});
  EXPECT_EQ(call(skip_if, {1}).code(), Code::kInvalidArgument);
}

TEST_F(StreamTest, AFailedCallIsReportedAndPoisonsWhatItMakes) {
  fail_to_make(5);
  EXPECT_TRUE(poisoned(5));
  const Fault fault = replies_.last<Fault>();
  EXPECT_EQ(fault.sequence, 1u);
  EXPECT_EQ(fault.code, Code::kOutOfRange);
  EXPECT_EQ(fault.op, "fake::fail");
  EXPECT_EQ(fault.text, "failed on demand");
  EXPECT_EQ(fault.request, 0u);
}

TEST_F(StreamTest, AFailedCallPoisonsWhatItWrites) {
  const auto failing = define("fake::fail(f64[2]!, f64[2], intword) -> _");
  upload(1, {1, 2});
  upload(2, {3, 4});
  EXPECT_EQ(call(failing, {1, 2}, {2}), ok_status());
  EXPECT_TRUE(poisoned(1));
  EXPECT_FALSE(poisoned(2)) << "it was only read";
}

TEST_F(StreamTest, CallsThatReadPoisonAreSkippedAndPoisonTheirWrites) {
  const auto add = define("aten::add.Tensor(f64[2], f64[2], word) -> f64[2]");
  const auto add_in_place = define("aten::add_.Tensor(f64[2]!, f64[2], word) -> _");
  upload(1, {1, 2});
  fail_to_make(5);
  const uint64_t calls = device_->calls();
  EXPECT_EQ(call(add, {1, 5, 6}, {word_of(1)}), ok_status());
  EXPECT_EQ(call(add_in_place, {1, 6}, {word_of(1)}), ok_status());
  EXPECT_EQ(device_->calls(), calls) << "none of them ran";
  EXPECT_TRUE(poisoned(6));
  EXPECT_TRUE(poisoned(1));
  EXPECT_THAT(values(1), ElementsAre(1, 2)) << "no update from bad values";
  EXPECT_EQ(stream_.storages().find(1)->poison->sequence, 1u) << "the first cause travels";
  EXPECT_THAT(replies_.all<Fault>(), SizeIs(1)) << "skipped calls are not reported";
}

TEST_F(StreamTest, OverwritingEntirelyHeals) {
  const auto fill = define("aten::fill_.Scalar(f64[2]!, word) -> _");
  const auto fill_half = define("aten::fill_.Scalar(f64[1]!, word) -> _");
  const auto failing = define("fake::fail(f64[2]!, intword) -> _");
  upload(1, {1, 2});
  EXPECT_EQ(call(failing, {1}, {2}), ok_status());
  EXPECT_EQ(call(fill_half, {1}, {word_of(3)}), ok_status());
  EXPECT_TRUE(poisoned(1)) << "a part is not enough";
  EXPECT_EQ(call(fill, {1}, {word_of(3)}), ok_status());
  EXPECT_FALSE(poisoned(1));
  EXPECT_THAT(values(1), ElementsAre(3, 3));
}

TEST_F(StreamTest, AStorageThatWasNeverMadeCanBeOverwritten) {
  const auto fill = define("aten::fill_.Scalar(f64[2]!, word) -> _");
  fail_to_make(5);
  EXPECT_EQ(stream_.storages().find(5)->buffer, nullptr);
  EXPECT_EQ(call(fill, {5}, {word_of(3)}), ok_status());
  EXPECT_FALSE(poisoned(5));
  EXPECT_THAT(values(5), ElementsAre(3, 3));
}

TEST_F(StreamTest, OverwritingWithPoisonDoesNotHeal) {
  const auto copy = define("aten::copy_(f64[2]!, f64[2], false) -> _");
  fail_to_make(5);
  fail_to_make(6);
  upload(1, {1, 2});
  EXPECT_EQ(call(copy, {5, 6}), ok_status());
  EXPECT_TRUE(poisoned(5));
  EXPECT_EQ(call(copy, {5, 1}), ok_status());
  EXPECT_THAT(values(5), ElementsAre(1, 2));
}

TEST_F(StreamTest, AnUploadHealsOnlyWhenItCoversAll) {
  fail_to_make(5);
  EXPECT_EQ(stream_.upload(5, 16, 0, bytes_of({7})), ok_status());
  EXPECT_TRUE(poisoned(5));
  EXPECT_EQ(stream_.upload(5, 16, 0, bytes_of({7, 8})), ok_status());
  EXPECT_FALSE(poisoned(5));
  EXPECT_THAT(values(5), ElementsAre(7, 8));
}

TEST_F(StreamTest, WhereNothingCanBeTrustedEachStorageIsPoisonedUntilItIsOverwritten) {
  upload(1, {1, 2});
  fail_to_make(5);
  stream_.poison_all(unavailable("rank 1 ended"));
  EXPECT_EQ(stream_.storages().find(1)->poison->text, "rank 1 ended");
  EXPECT_EQ(stream_.storages().find(5)->poison->text, "failed on demand") << "the first stays";
  upload(1, {3, 4});
  EXPECT_FALSE(poisoned(1));
}

TEST_F(StreamTest, PoisonedStoragesCanBeFreedAndResized) {
  fail_to_make(5);
  EXPECT_EQ(stream_.resize(5, 64), ok_status());
  EXPECT_TRUE(poisoned(5));
  EXPECT_EQ(stream_.free(5), ok_status());
  EXPECT_EQ(stream_.storages().find(5), nullptr);
}

TEST_F(StreamTest, OnlyTheFirstFailureIsReportedUntilTheFrontWaits) {
  fail_to_make(5);
  fail_to_make(6);
  EXPECT_THAT(replies_.all<Fault>(), SizeIs(1));
  stream_.settle();
  fail_to_make(7);
  fail_to_make(8);
  EXPECT_THAT(replies_.all<Fault>(), SizeIs(2));
  EXPECT_EQ(replies_.last<Fault>().sequence, 3u);
}

TEST_F(StreamTest, AnUnknownOperatorFailsEachTimeAndIsPreparedOnce) {
  const auto unknown = define("aten::no_such_thing.out(f64[2]) -> f64[2]");
  upload(1, {1, 2});
  EXPECT_EQ(call(unknown, {1, 3}), ok_status());
  EXPECT_EQ(call(unknown, {1, 4}), ok_status());
  EXPECT_TRUE(poisoned(3));
  EXPECT_TRUE(poisoned(4));
  EXPECT_EQ(replies_.last<Fault>().code, Code::kUnimplemented);
  EXPECT_EQ(replies_.last<Fault>().op, "aten::no_such_thing.out");
}

// Many shapes, each once, beside one that keeps coming: that one stays, the others go.
TEST_F(StreamTest, CallsThatDoNotComeAgainAreForgotten) {
  const auto often = define("aten::fill_.Scalar(f64[2]!, word) -> _");
  const auto once = define("aten::fill_.Scalar(f64[3]!, word) -> _");
  upload(1, {1, 2, 3});
  const auto fill = [&](SignatureId signature) {
    EXPECT_EQ(call(signature, {1}, {word_of(5)}), ok_status());
  };
  fill(once);
  const auto shapes = static_cast<int>(2 * Stream::kPreparedKept);
  for (int i = 0; i < shapes; ++i) {
    fill(define("aten::fill_.Scalar(f64[0," + std::to_string(i + 1) + "]!, word) -> _"));
    fill(often);
  }
  EXPECT_EQ(device_->prepared(), static_cast<uint64_t>(shapes) + 2);
  fill(often);
  EXPECT_EQ(device_->prepared(), static_cast<uint64_t>(shapes) + 2);
  fill(once);
  EXPECT_EQ(device_->prepared(), static_cast<uint64_t>(shapes) + 3);
}

TEST_F(StreamTest, NoMemoryForAStoragePoisonsIt) {
  device_->fail_allocations(true);
  EXPECT_EQ(stream_.alloc(1, 16), ok_status());
  EXPECT_TRUE(poisoned(1));
  EXPECT_EQ(replies_.last<Fault>().code, Code::kResourceExhausted);
  device_->fail_allocations(false);
  const auto fill = define("aten::fill_.Scalar(f64[2]!, word) -> _");
  EXPECT_EQ(call(fill, {1}, {word_of(3)}), ok_status());
  EXPECT_THAT(values(1), ElementsAre(3, 3));
}

TEST_F(StreamTest, NoMemoryToGrowPoisonsToo) {
  upload(1, {1, 2});
  device_->fail_allocations(true);
  EXPECT_EQ(stream_.resize(1, 64), ok_status());
  EXPECT_TRUE(poisoned(1));
  EXPECT_EQ(stream_.upload(2, 8, 0, bytes_of({1})), ok_status());
  EXPECT_TRUE(poisoned(2));
}

TEST_F(StreamTest, ResultsWithoutElementsTakeNoStorageOrAnEmptyOne) {
  const auto mul = define("aten::mul.Tensor(f64[0], f64[0]) -> f64[0]");
  EXPECT_EQ(call(mul, {0, 0, 0}), ok_status());
  EXPECT_EQ(call(mul, {0, 0, 9}), ok_status());
  EXPECT_EQ(call(mul, {9, 9, 0}), ok_status());
  EXPECT_EQ(stream_.storages().size(), 1u);
}

TEST_F(StreamTest, AnAskIsAnsweredOrHasACause) {
  const auto nonzero = define("aten::nonzero(f64[2]) -> _");
  upload(1, {0, 4});
  auto answer = stream_.ask(nonzero, std::vector<StorageId>{1}, {}, 1);
  ASSERT_TRUE(answer.ok());
  EXPECT_EQ(answer->failure, nullptr);
  ASSERT_THAT(answer->values, SizeIs(1));
  EXPECT_THAT(answer->values[0].geometry.sizes, ElementsAre(1, 1));
  fail_to_make(5);
  answer = stream_.ask(nonzero, std::vector<StorageId>{5}, {}, 2);
  ASSERT_TRUE(answer.ok());
  ASSERT_NE(answer->failure, nullptr);
  EXPECT_EQ(answer->failure->op, "fake::fail");
}

TEST_F(StreamTest, AFailedAskPoisonsWhatItWrites) {
  const auto failing = define("fake::fail(f64[2]!, intword) -> _");
  upload(1, {1, 2});
  auto answer = stream_.ask(failing, std::vector<StorageId>{1}, std::vector<uint64_t>{11}, 1);
  ASSERT_TRUE(answer.ok());
  EXPECT_EQ(answer->failure->code, Code::kOutOfRange);
  EXPECT_TRUE(poisoned(1));
  EXPECT_THAT(replies_.messages, IsEmpty()) << "the caller replies to an Ask";
}

}  // namespace
}  // namespace moai::worker
