#include "moai/device/timing/call_operands.h"

#include <gmock/gmock.h>

#include <cstring>

#include "moai/device/fake/fake_device.h"

namespace moai::device {
namespace {

using tensor::DType;
using tensor::Geometry;

class CallOperandsTest : public testing::Test {
 protected:
  Buffer* take(const Geometry& g, size_t place, const CallOperands::Use& use = {}) {
    auto buffer = operands_.take(g, place, use);
    EXPECT_TRUE(buffer.ok()) << buffer.status().to_string();
    return buffer.ok() ? *buffer : nullptr;
  }
  double first(Buffer* buffer) {
    char bytes[sizeof(double)] = {};
    EXPECT_TRUE(device_->copy_out(*buffer, 0, sizeof bytes, bytes).ok());
    double value = 0;
    std::memcpy(&value, bytes, sizeof value);
    return value;
  }
  void write(Buffer* buffer, double value) {
    EXPECT_TRUE(
        device_->copy_in(buffer, 0, {reinterpret_cast<const char*>(&value), sizeof value}).ok());
  }

  const std::unique_ptr<FakeDevice> device_ = make_fake_device();
  CallOperands operands_{device_.get()};
};

constexpr auto kFloats = [](int64_t n) {
  return Geometry{.dtype = DType::kFloat64, .sizes = {n}, .strides = {1}};
};

TEST_F(CallOperandsTest, CallsOfNearlyOneSizeShareABufferByPlaceAndType) {
  Buffer* nine = take(kFloats(9), 0);
  EXPECT_EQ(take(kFloats(16), 0), nine);
  EXPECT_EQ(nine->size_bytes(), 16u * sizeof(double));
  EXPECT_NE(take(kFloats(17), 0), nine);
  EXPECT_NE(take(kFloats(9), 1), nine);
  const Geometry ints{.dtype = DType::kInt64, .sizes = {9}, .strides = {1}};
  EXPECT_NE(take(ints, 0), nine);
  EXPECT_EQ(take(kFloats(0), 0), nullptr);
}

TEST_F(CallOperandsTest, WhatACallHasWrittenIsNumbersAgainForTheNext) {
  Buffer* buffer = take(kFloats(9), 0, {.written = true});
  write(buffer, 1e300);
  EXPECT_EQ(first(take(kFloats(9), 0, {.written = true, .kept = true})), 1e300);
  const double again = first(take(kFloats(12), 0));
  EXPECT_GE(again, 0.5);
  EXPECT_LT(again, 1);
  write(buffer, 1e300);
  EXPECT_EQ(first(take(kFloats(12), 0)), 1e300) << "nothing said that it would be written";
}

TEST_F(CallOperandsTest, OtherNumbersComeWhereTheyAreAskedFor) {
  const double before = first(take(kFloats(9), 0));
  EXPECT_NE(first(take(kFloats(9), 0, {.others = true})), before);
}

TEST_F(CallOperandsTest, CountsWhatItHolds) {
  take(kFloats(9), 0);
  take(kFloats(10), 0);
  EXPECT_EQ(operands_.bytes(), 16u * sizeof(double));
  operands_.clear();
  EXPECT_EQ(operands_.bytes(), 0u);
}

}  // namespace
}  // namespace moai::device
