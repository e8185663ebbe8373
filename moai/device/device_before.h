// DeviceBefore: what stands before a device, does some of its calls itself, and leaves it the rest.
#pragma once

#include <memory>
#include <string>

#include "moai/device/device.h"

namespace moai::device {

class DeviceBefore : public Device {
 public:
  // Outlives it.
  explicit DeviceBefore(Device* device) : device_(*device) {}

  std::string_view kind() const override { return device_.kind(); }
  std::string library_version() const override { return device_.library_version(); }
  Result<BufferPtr> allocate(uint64_t size_bytes) override { return device_.allocate(size_bytes); }
  Status resize(Buffer* buffer, uint64_t size_bytes) override {
    return device_.resize(buffer, size_bytes);
  }
  Status copy_in(Buffer* buffer, uint64_t offset, std::string_view bytes) override {
    return device_.copy_in(buffer, offset, bytes);
  }
  Status copy_out(const Buffer& buffer, uint64_t offset, uint64_t size, char* out) override {
    return device_.copy_out(buffer, offset, size, out);
  }
  Status synchronize() override { return device_.synchronize(); }
  uint64_t allocated_bytes() const override { return device_.allocated_bytes(); }
  uint64_t peak_bytes() const override { return device_.peak_bytes(); }
  uint64_t reserved_bytes() const override { return device_.reserved_bytes(); }
  void reset_peak() override { device_.reset_peak(); }
  void trim() override { device_.trim(); }

 protected:
  Device& device_;
};

}  // namespace moai::device
