// CollectiveDevice: a device whose calls of `moai::` work together with other ranks.
//
// It prepares all_reduce, all_gather, reduce_scatter, all_to_all, send, receive and broadcast as
// moai/compiler/lower/lower_rank.h writes them; everything else is the device's that it stands
// before. The last argument of such a call is the number of a group. Bytes go through host memory:
// they are copied out of the device, exchanged, and copied back.
//
// All ranks of a group must make the same collective calls in the same order. A rank that cannot
// make one, since an operand is poisoned, ends the groups (Call::skipped), and so does one that
// fails: the others get the cause instead of waiting.
#pragma once

#include <memory>

#include "moai/device/device.h"
#include "moai/worker/collective/groups.h"

namespace moai::worker {

class CollectiveDevice final : public device::Device {
 public:
  // Both outlive it.
  CollectiveDevice(device::Device* device, Groups* groups) : device_(*device), groups_(*groups) {}

  std::string_view kind() const override { return device_.kind(); }
  std::string library_version() const override { return device_.library_version(); }
  Result<device::BufferPtr> allocate(uint64_t size_bytes) override {
    return device_.allocate(size_bytes);
  }
  Status resize(device::Buffer* buffer, uint64_t size_bytes) override {
    return device_.resize(buffer, size_bytes);
  }
  // INVALID_ARGUMENT for a collective call that is malformed, FAILED_PRECONDITION for one of a
  // group that is not there.
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

 private:
  device::Device& device_;
  Groups& groups_;
};

}  // namespace moai::worker
