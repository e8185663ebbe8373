// CountedDevice: counts which calls a Worker runs, for whoever compares predictions with them.
//
// It stands before the device that calls run on. Counts begin anew with take().
#pragma once

#include <map>
#include <memory>
#include <string>

#include "moai/device/device_before.h"

namespace moai::worker {

class CountedDevice final : public device::DeviceBefore {
 public:
  // Outlives it.
  explicit CountedDevice(device::Device* device) : DeviceBefore(device) {}

  Result<std::unique_ptr<device::Call>> prepare(const ops::CallSignature& signature) override;

  // How often calls of each signature ran without an error.
  std::map<std::string, uint64_t> take();

 private:
  std::map<std::string, uint64_t> runs_;  // prepared calls point into it
};

}  // namespace moai::worker
