// What an accelerator's library registers of its devices and streams, for tests without one.
#pragma once

#include <c10/core/impl/DeviceGuardImplInterface.h>

#include <utility>

namespace moai::device {

// Of two devices without streams of their own; remembers what it was asked for.
class TestingGuard final : public c10::impl::DeviceGuardImplInterface {
 public:
  // For good: it is what the library finds of accelerators in this process.
  static void install() {
    static const TestingGuard guard;
    const c10::impl::DeviceGuardImplRegistrar registrar(c10::kCUDA, &guard);
  }
  c10::DeviceType type() const override { return c10::kCUDA; }
  c10::Device exchangeDevice(c10::Device d) const override { return std::exchange(current, d); }
  c10::Device getDevice() const override { return current; }
  void setDevice(c10::Device d) const override { current = d; }
  void uncheckedSetDevice(c10::Device d) const noexcept override { current = d; }
  c10::Stream getStream(c10::Device d) const override {
    return c10::Stream(c10::Stream::DEFAULT, d);
  }
  c10::Stream exchangeStream(c10::Stream s) const override { return s; }
  void* getStreamNativeHandle(const c10::Stream s) const override {
    streamed = s.device();
    return nullptr;
  }
  c10::DeviceIndex deviceCount() const noexcept override { return 2; }
  void synchronizeDevice(c10::DeviceIndex index) const override { synchronized = index; }

  static inline c10::Device current{c10::kCUDA, 0}, streamed{c10::kCUDA, 0};
  static inline int synchronized = -1;
};

}  // namespace moai::device
