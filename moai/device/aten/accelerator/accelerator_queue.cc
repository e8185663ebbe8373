#include "moai/device/aten/accelerator/accelerator_queue.h"

#include <c10/core/impl/DeviceGuardImplInterface.h>

#include "moai/device/aten/aten_buffer.h"
#include "moai/device/aten/errors.h"

namespace moai::device {
namespace {

class AcceleratorQueue final : public DeviceQueue {
 public:
  AcceleratorQueue(const DeviceOptions& options, const c10::impl::DeviceGuardImplInterface* devices)
      : kind_(options.kind),
        device_(devices->type(), static_cast<c10::DeviceIndex>(options.index)),
        devices_(*devices) {}

  std::string kind() const override { return kind_; }
  std::string name() const override { return kind_ + ":" + std::to_string(device_.index()); }
  Status bind() override {
    return without_exceptions([&] {
      devices_.setDevice(device_);
      return ok_status();
    });
  }
  Result<void*> stream() override {
    return without_exceptions([&]() -> Result<void*> {
      return devices_.getStreamNativeHandle(devices_.getStream(device_));
    });
  }
  std::byte* address(const Buffer& buffer) override {
    return static_cast<std::byte*>(AtenBuffer::of(buffer).storage().mutable_data());
  }
  Status synchronize() override {
    return without_exceptions([&] {
      devices_.synchronizeDevice(device_.index());
      return ok_status();
    });
  }

 private:
  const std::string kind_;
  const c10::Device device_;
  const c10::impl::DeviceGuardImplInterface& devices_;  // of the library
};

}  // namespace

std::unique_ptr<DeviceQueue> make_accelerator_queue(const DeviceOptions& options) {
  if (options.kind == "cpu" || !c10::impl::hasDeviceGuardImpl(c10::kCUDA)) return nullptr;
  return std::make_unique<AcceleratorQueue>(options, c10::impl::getDeviceGuardImpl(c10::kCUDA));
}

}  // namespace moai::device
