// CountedDevice: counts which calls a Worker runs and how long they take, for whoever compares
// predictions with them.
//
// It stands before the device that calls run on. Counts begin anew with take(). Seconds are those
// of the Worker's thread: on a device that runs beside it they are of the launch alone.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "moai/device/device_before.h"

namespace moai::worker {

struct CallCount {
  uint64_t runs = 0;
  double seconds = 0;  // of all runs

  bool operator==(const CallCount&) const = default;
};

class CountedDevice final : public device::DeviceBefore {
 public:
  // Outlives it.
  explicit CountedDevice(device::Device* device) : DeviceBefore(device) {}

  Result<std::unique_ptr<device::Call>> prepare(const ops::CallSignature& signature) override;

  // Of the calls of each signature that ran without an error.
  std::map<std::string, CallCount> take();

 private:
  std::map<std::string, CallCount> runs_;  // prepared calls point into it
};

}  // namespace moai::worker
