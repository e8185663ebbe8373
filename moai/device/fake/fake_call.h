// Calls of a FakeDevice.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>

#include "moai/device/fake/fake_device.h"
#include "moai/device/fake/fake_memory.h"

namespace moai::device {

// What calls share with their device.
struct FakeState {
  explicit FakeState(FakeOptions o) : options(std::move(o)), memory(options.device.memory_bytes) {}
  const FakeOptions options;
  FakeMemory memory;
  std::atomic<uint64_t> now_ns{0};
  std::atomic<uint64_t> calls{0};
};

Result<std::unique_ptr<Call>> make_fake_call(const ops::CallSignature& signature, FakeState* state);

}  // namespace moai::device
