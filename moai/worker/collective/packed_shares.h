// PackedShares: the shares of one tensor on a device, each in one run of memory: in the tensor
// itself where they lie so, else in memory of their own, to or from which the device copies them.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "moai/device/device.h"
#include "moai/device/device_queue.h"
#include "moai/tensor/geometry.h"

namespace moai::worker {

class PackedShares {
 public:
  enum class Way { kFromTensor, kToTensor };
  // Of a contiguous tensor, cut along `dimension`.
  static Result<PackedShares> make(const tensor::Geometry& whole, size_t dimension,
                                   std::span<const int64_t> shares, Way way,
                                   device::Device* device);

  std::span<const size_t> bytes() const { return bytes_; }  // of each rank's
  size_t total() const;
  // Where the shares lie, rank by rank; fills them where they come from the tensor. `tensor` may be
  // null where it has no bytes.
  Result<std::byte*> begin(device::Device* device, device::DeviceQueue* queue,
                           device::Buffer* tensor);
  // Brings them to the tensor, unless they lie there.
  Status end(device::Buffer* tensor);

 private:
  PackedShares() = default;
  Status copy(device::Buffer* to, device::Buffer* from);

  uint64_t offset_ = 0;  // of the tensor, in bytes
  std::vector<size_t> bytes_;
  Way way_ = Way::kFromTensor;
  std::vector<std::unique_ptr<device::Call>> copies_;  // none where they lie in runs
  device::BufferPtr packed_;                           // from begin() to end()
};

}  // namespace moai::worker
