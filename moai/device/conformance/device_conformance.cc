#include "moai/device/conformance/device_conformance.h"

#include <gmock/gmock.h>

#include <bit>
#include <cstring>

namespace moai::device {

using testing::ElementsAre;
using testing::HasSubstr;

ops::CallSignature signature_of(const std::string& text) {
  const auto signature = ops::call_signature_from_string(text);
  EXPECT_TRUE(signature) << text;
  return signature.value_or(ops::CallSignature{});
}

uint64_t word_of(double value) { return std::bit_cast<uint64_t>(value); }

BufferPtr DeviceConformance::buffer_of(const std::vector<double>& values) {
  auto buffer = device_->allocate(values.size() * 8);
  EXPECT_TRUE(buffer.ok()) << buffer.status().to_string();
  const std::string_view bytes(reinterpret_cast<const char*>(values.data()), values.size() * 8);
  EXPECT_EQ(device_->copy_in(buffer->get(), 0, bytes), ok_status());
  return std::move(*buffer);
}

std::vector<double> DeviceConformance::values_of(const Buffer* buffer) {
  if (!buffer) return {};
  std::vector<double> values(buffer->size_bytes() / 8);
  const Status status =
      device_->copy_out(*buffer, 0, values.size() * 8, reinterpret_cast<char*>(values.data()));
  EXPECT_EQ(status, ok_status());
  return values;
}

std::unique_ptr<Call> DeviceConformance::prepare(const std::string& text) {
  auto call = device_->prepare(signature_of(text));
  EXPECT_TRUE(call.ok()) << call.status().to_string();
  return call.ok() ? std::move(*call) : nullptr;
}

std::vector<BufferPtr> DeviceConformance::run(const std::string& text,
                                              const std::vector<Buffer*>& operands,
                                              const std::vector<uint64_t>& words) {
  std::vector<BufferPtr> fresh(ops::arity(signature_of(text)).fresh);
  EXPECT_EQ(prepare(text)->run(operands, words, fresh), ok_status());
  return fresh;
}

namespace {

constexpr char kAdd[] = "aten::add.Tensor(f64[3], f64[3], word) -> f64[3]";
constexpr char kFill[] = "aten::fill_.Scalar(f64[3]!, word) -> _";

TEST_P(DeviceConformance, NamesItselfAndItsLibrary) {
  EXPECT_FALSE(device_->kind().empty());
  EXPECT_THAT(device_->library_version(), HasSubstr("torch "));
}

TEST_P(DeviceConformance, GivesBackTheBytesThatWereCopiedIn) {
  BufferPtr buffer = buffer_of({1, 2, 3});
  EXPECT_EQ(buffer->size_bytes(), 24u);
  const double four = 4;
  EXPECT_EQ(device_->copy_in(buffer.get(), 8, {reinterpret_cast<const char*>(&four), 8}),
            ok_status());
  EXPECT_THAT(values_of(buffer.get()), ElementsAre(1, 4, 3));
  double last = 0;
  EXPECT_EQ(device_->copy_out(*buffer, 16, 8, reinterpret_cast<char*>(&last)), ok_status());
  EXPECT_EQ(last, 3);
}

TEST_P(DeviceConformance, RefusesRangesOutsideTheBuffer) {
  BufferPtr buffer = buffer_of({1, 2});
  char bytes[16] = {};
  for (const auto& [offset, size] :
       std::vector<std::pair<uint64_t, uint64_t>>{{1, 16}, {17, 0}, {~uint64_t{0}, 2}, {16, 1}}) {
    EXPECT_EQ(device_->copy_in(buffer.get(), offset, {bytes, size}).code(), Code::kOutOfRange);
    EXPECT_EQ(device_->copy_out(*buffer, offset, size, bytes).code(), Code::kOutOfRange);
  }
  EXPECT_EQ(device_->copy_out(*buffer, 16, 0, bytes), ok_status());
}

TEST_P(DeviceConformance, ABufferWithoutBytesIsPossible) {
  auto buffer = device_->allocate(0);
  ASSERT_TRUE(buffer.ok());
  EXPECT_EQ((*buffer)->size_bytes(), 0u);
  EXPECT_EQ(device_->copy_in(buffer->get(), 0, {}), ok_status());
}

TEST_P(DeviceConformance, ResizeKeepsTheBytesAndNeverShrinks) {
  BufferPtr buffer = buffer_of({1, 2});
  EXPECT_EQ(device_->resize(buffer.get(), 4096), ok_status());
  EXPECT_EQ(buffer->size_bytes(), 4096u);
  EXPECT_EQ(device_->resize(buffer.get(), 16), ok_status());
  EXPECT_EQ(buffer->size_bytes(), 4096u);
  double kept[2];
  EXPECT_EQ(device_->copy_out(*buffer, 0, 16, reinterpret_cast<char*>(kept)), ok_status());
  EXPECT_THAT(kept, ElementsAre(1, 2));
}

TEST_P(DeviceConformance, ACallFillsAFreshBuffer) {
  BufferPtr a = buffer_of({1, 2, 3}), b = buffer_of({10, 20, 30});
  const auto fresh = run(kAdd, {a.get(), b.get()}, {word_of(2)});
  EXPECT_THAT(values_of(fresh[0].get()), ElementsAre(21, 42, 63));
  EXPECT_THAT(values_of(a.get()), ElementsAre(1, 2, 3));
}

TEST_P(DeviceConformance, APreparedCallRunsAgainWithOtherOperandsAndWords) {
  BufferPtr a = buffer_of({1, 2, 3}), b = buffer_of({10, 20, 30});
  auto call = prepare(kAdd);
  std::vector<BufferPtr> first(1), second(1);
  const std::vector<uint64_t> one = {word_of(1)}, three = {word_of(3)};
  EXPECT_EQ(call->run(std::vector<Buffer*>{a.get(), b.get()}, one, first), ok_status());
  EXPECT_EQ(call->run(std::vector<Buffer*>{b.get(), first[0].get()}, three, second), ok_status());
  EXPECT_THAT(values_of(first[0].get()), ElementsAre(11, 22, 33));
  EXPECT_THAT(values_of(second[0].get()), ElementsAre(43, 86, 129));
}

TEST_P(DeviceConformance, TheSameBufferMayBeSeveralOperands) {
  BufferPtr a = buffer_of({1, 2, 3});
  EXPECT_THAT(values_of(run(kAdd, {a.get(), a.get()}, {word_of(1)})[0].get()),
              ElementsAre(2, 4, 6));
  run("aten::add_.Tensor(f64[3]!, f64[3], word) -> _", {a.get(), a.get()}, {word_of(1)});
  EXPECT_THAT(values_of(a.get()), ElementsAre(2, 4, 6));
}

TEST_P(DeviceConformance, WritesOnlyWhereTheGeometrySays) {
  BufferPtr a = buffer_of({1, 2, 3, 4, 5});
  run("aten::fill_.Scalar(f64[2]{1}+1!, word) -> _", {a.get()}, {word_of(9)});
  EXPECT_THAT(values_of(a.get()), ElementsAre(1, 9, 9, 4, 5));
}

TEST_P(DeviceConformance, CopiesBetweenBuffers) {
  BufferPtr a = buffer_of({1, 2, 3}), b = buffer_of({4, 5, 6});
  run("aten::copy_(f64[3]!, f64[3], false) -> _", {a.get(), b.get()}, {});
  EXPECT_THAT(values_of(a.get()), ElementsAre(4, 5, 6));
}

TEST_P(DeviceConformance, ReducesToOneNumber) {
  BufferPtr a = buffer_of({1, 2, 3});
  EXPECT_THAT(values_of(run("aten::sum(f64[3], none) -> f64[]", {a.get()}, {})[0].get()),
              ElementsAre(6));
}

TEST_P(DeviceConformance, ResultsWithoutElementsStayNull) {
  const auto fresh = run("aten::mul.Tensor(f64[0], f64[0]) -> f64[0]", {nullptr, nullptr}, {});
  EXPECT_EQ(fresh[0], nullptr);
}

TEST_P(DeviceConformance, RefusesAnOperandThatDoesNotLieInItsBuffer) {
  BufferPtr small = buffer_of({1, 2}), right = buffer_of({1, 2, 3});
  auto call = prepare(kAdd);
  std::vector<BufferPtr> fresh(1);
  const std::vector<uint64_t> words = {word_of(1)};
  for (Buffer* bad : {small.get(), static_cast<Buffer*>(nullptr)}) {
    const Status status = call->run(std::vector<Buffer*>{right.get(), bad}, words, fresh);
    EXPECT_EQ(status.code(), Code::kInvalidArgument) << status.to_string();
  }
  EXPECT_EQ(call->run(std::vector<Buffer*>{right.get(), right.get()}, words, fresh), ok_status())
      << "the call works afterwards";
}

TEST_P(DeviceConformance, AnUnknownOperatorIsUnimplementedByName) {
  const auto call = device_->prepare(signature_of("aten::no_such_thing.Tensor(f64[3]) -> f64[3]"));
  EXPECT_EQ(call.status().code(), Code::kUnimplemented);
  EXPECT_THAT(call.status().message(), HasSubstr("aten::no_such_thing"));
}

TEST_P(DeviceConformance, AskReportsTheGeometryThatCameOut) {
  BufferPtr a = buffer_of({0, 5, 0, 7});
  auto values = prepare("aten::nonzero(f64[4]) -> _")->ask(std::vector<Buffer*>{a.get()}, {});
  ASSERT_TRUE(values.ok()) << values.status().to_string();
  ASSERT_EQ(values->size(), 1u);
  const DynamicValue& found = (*values)[0];
  EXPECT_EQ(found.kind, DynamicValue::Kind::kTensor);
  EXPECT_EQ(found.geometry.dtype, tensor::DType::kInt64);
  EXPECT_THAT(found.geometry.sizes, ElementsAre(2, 1));
  int64_t places[2];
  ASSERT_NE(found.buffer, nullptr);
  EXPECT_EQ(device_->copy_out(*found.buffer, 0, 16, reinterpret_cast<char*>(places)), ok_status());
  EXPECT_THAT(places, ElementsAre(1, 3));
}

TEST_P(DeviceConformance, AskMayFindNothing) {
  BufferPtr a = buffer_of({0, 0});
  auto values = prepare("aten::nonzero(f64[2]) -> _")->ask(std::vector<Buffer*>{a.get()}, {});
  ASSERT_TRUE(values.ok());
  EXPECT_THAT((*values)[0].geometry.sizes, ElementsAre(0, 1));
  EXPECT_EQ((*values)[0].buffer, nullptr);
}

TEST_P(DeviceConformance, AskReturnsNumbers) {
  BufferPtr a = buffer_of({2.5});
  auto values =
      prepare("aten::_local_scalar_dense(f64[]) -> _")->ask(std::vector<Buffer*>{a.get()}, {});
  ASSERT_TRUE(values.ok()) << values.status().to_string();
  EXPECT_EQ((*values)[0].kind, DynamicValue::Kind::kDouble);
  EXPECT_EQ((*values)[0].real, 2.5);
}

TEST_P(DeviceConformance, CountsBytesOfLiveBuffers) {
  const uint64_t before = device_->allocated_bytes();
  {
    BufferPtr a = buffer_of(std::vector<double>(1000));
    EXPECT_EQ(device_->allocated_bytes(), before + 8000);
    EXPECT_EQ(device_->resize(a.get(), 16000), ok_status());
    EXPECT_EQ(device_->allocated_bytes(), before + 16000);
  }
  EXPECT_EQ(device_->allocated_bytes(), before);
  EXPECT_GE(device_->peak_bytes(), before + 16000);
  device_->reset_peak();
  EXPECT_LT(device_->peak_bytes(), before + 16000);
}

TEST_P(DeviceConformance, KeepsFreedMemoryUntilItIsTrimmed) {
  buffer_of(std::vector<double>(1 << 20));
  const uint64_t kept = device_->reserved_bytes();
  EXPECT_GE(kept, device_->allocated_bytes() + (8 << 20));
  device_->trim();
  EXPECT_LE(device_->reserved_bytes(), kept - (8 << 20));
  EXPECT_GE(device_->reserved_bytes(), device_->allocated_bytes());
}

TEST_P(DeviceConformance, RefusesWhatExceedsTheLimitAndRecovers) {
  const uint64_t held = device_->allocated_bytes();
  open({.memory_bytes = held + 10000});
  auto first = device_->allocate(8000);
  ASSERT_TRUE(first.ok());
  const auto second = device_->allocate(8000);
  EXPECT_EQ(second.status().code(), Code::kResourceExhausted);
  EXPECT_THAT(second.status().message(), HasSubstr("out of memory"));
  EXPECT_EQ(device_->resize(first->get(), 16000).code(), Code::kResourceExhausted);
  EXPECT_EQ((*first)->size_bytes(), 8000u);
  first->reset();
  EXPECT_TRUE(device_->allocate(8000).ok());
}

TEST_P(DeviceConformance, ACallPastTheLimitFailsAndTheNextWorks) {
  BufferPtr unlimited = buffer_of({1, 2, 3});
  unlimited.reset();
  open({.memory_bytes = device_->allocated_bytes() + 60});
  BufferPtr a = buffer_of({1, 2, 3});
  BufferPtr b = buffer_of({1, 2, 3});
  auto call = prepare(kAdd);
  std::vector<BufferPtr> fresh(1);
  const std::vector<uint64_t> words = {word_of(1)};
  Status status = call->run(std::vector<Buffer*>{a.get(), b.get()}, words, fresh);
  EXPECT_EQ(status.code(), Code::kResourceExhausted) << status.to_string();
  b.reset();
  status = call->run(std::vector<Buffer*>{a.get(), a.get()}, words, fresh);
  EXPECT_EQ(status, ok_status());
  EXPECT_THAT(values_of(fresh[0].get()), ElementsAre(2, 4, 6));
}

TEST_P(DeviceConformance, APreparedCallHoldsNoBuffer) {
  const uint64_t before = device_->allocated_bytes();
  auto call = prepare(kFill);
  {
    BufferPtr a = buffer_of({1, 2, 3});
    const std::vector<uint64_t> words = {word_of(4)};
    EXPECT_EQ(call->run(std::vector<Buffer*>{a.get()}, words, {}), ok_status());
  }
  EXPECT_EQ(device_->allocated_bytes(), before);
}

TEST_P(DeviceConformance, SynchronizesAtAnyTime) { EXPECT_EQ(device_->synchronize(), ok_status()); }

}  // namespace
}  // namespace moai::device
