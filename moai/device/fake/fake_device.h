// FakeDevice: a Device without libtorch, for tests of what stands above it.
//
// It knows a handful of operators on contiguous doubles: aten::add.Tensor, mul.Tensor (with equal
// sizes), add_.Tensor, fill_.Scalar, copy_, sum, nonzero and _local_scalar_dense (both by ask);
// and fake::fail, which writes its operand's first half and fails with the code in its word, and
// fake::sleep, which takes its word of virtual nanoseconds. Every call costs `call_ns` of virtual
// time.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string_view>

#include "moai/device/device.h"

namespace moai::device {

struct FakeOptions {
  DeviceOptions device{};
  uint64_t call_ns = 1000;
  // Called before each call with the name of its operator; may block.
  std::function<void(std::string_view op)> on_call{};
};

class FakeDevice : public Device {
 public:
  // Virtual time that calls took so far. Any thread.
  virtual uint64_t now_ns() const = 0;
  virtual uint64_t calls() const = 0;
  virtual uint64_t prepared() const = 0;  // calls prepared so far; the thread that prepares
  // Allocations made by hand or by calls fail from now on, or again work. Any thread.
  virtual void fail_allocations(bool on) = 0;
};

std::unique_ptr<FakeDevice> make_fake_device(FakeOptions options = {});

}  // namespace moai::device
