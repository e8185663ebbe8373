// CountedDevice: counts which calls a Worker runs, for whoever compares predictions with them.
//
// It stands before the device that calls run on. Counts begin anew with take().
#pragma once

#include <map>
#include <memory>
#include <string>

#include "moai/device/device.h"

namespace moai::worker {

class CountedDevice final : public device::Device {
 public:
  // Outlives it.
  explicit CountedDevice(device::Device* device) : device_(*device) {}

  std::string_view kind() const override { return device_.kind(); }
  std::string library_version() const override { return device_.library_version(); }
  Result<device::BufferPtr> allocate(uint64_t size_bytes) override {
    return device_.allocate(size_bytes);
  }
  Status resize(device::Buffer* buffer, uint64_t size_bytes) override {
    return device_.resize(buffer, size_bytes);
  }
  Result<std::unique_ptr<device::Call>> prepare(const ops::CallSignature& signature) override;
  Status copy_in(device::Buffer* buffer, uint64_t offset, std::string_view bytes) override {
    return device_.copy_in(buffer, offset, bytes);
  }
  Status copy_out(const device::Buffer& buffer, uint64_t offset, uint64_t size,
                  char* out) override {
    return device_.copy_out(buffer, offset, size, out);
  }
  Status synchronize() override { return device_.synchronize(); }
  uint64_t allocated_bytes() const override { return device_.allocated_bytes(); }
  uint64_t peak_bytes() const override { return device_.peak_bytes(); }
  uint64_t reserved_bytes() const override { return device_.reserved_bytes(); }
  void reset_peak() override { device_.reset_peak(); }
  void trim() override { device_.trim(); }

  // How often calls of each signature ran without an error.
  std::map<std::string, uint64_t> take();

 private:
  device::Device& device_;
  std::map<std::string, uint64_t> runs_;  // prepared calls point into it
};

}  // namespace moai::worker
