// What every Device must do, as a parameterised suite. A kind of device is added by an
// INSTANTIATE_TEST_SUITE_P in its folder; the suite's cases are in device_conformance.cc, which its
// test program compiles.
//
// The operators used: add, mul, add_, fill_, copy_, sum, nonzero, _local_scalar_dense on doubles.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "moai/device/device.h"

namespace moai::device {

struct DeviceKind {
  std::string name;
  std::function<std::unique_ptr<Device>(const DeviceOptions& options)> make;
};

class DeviceConformance : public testing::TestWithParam<DeviceKind> {
 protected:
  void SetUp() override { open({}); }
  void open(const DeviceOptions& options) {
    device_.reset();
    device_ = GetParam().make(options);
  }

  BufferPtr buffer_of(const std::vector<double>& values);
  std::vector<double> values_of(const Buffer* buffer);
  std::unique_ptr<Call> prepare(const std::string& signature);
  // Runs the call and returns its fresh results; a failure fails the test.
  std::vector<BufferPtr> run(const std::string& signature, const std::vector<Buffer*>& operands,
                             const std::vector<uint64_t>& words);

  std::unique_ptr<Device> device_;
};

// The signature whose text this is; fails the test when it is none.
ops::CallSignature signature_of(const std::string& text);
uint64_t word_of(double value);

}  // namespace moai::device
