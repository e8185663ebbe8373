// Probe: which devices this node has, and how they are.
//
// One thread calls. A call may take milliseconds (a vendor library asks the driver) but never waits
// without bound. Libraries of vendors (NVML, ROCm SMI) are loaded by dlopen in the file of their
// name, so that one agent runs on every node.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "moai/base/status.h"

namespace moai::agent {

struct ProbedDevice {
  uint32_t index = 0;
  std::string kind;  // "cpu", "cuda", "hip": what a Worker on it is built for
  std::string model;
  uint64_t memory_bytes = 0;
  bool simulated = false;
};

// A missing value is one the device does not report.
struct DeviceSample {
  uint64_t memory_used_bytes = 0;
  double utilization = 0;  // 0…1 since the last sample of this device
  std::optional<double> temperature_c;
  std::optional<double> memory_temperature_c;
  std::optional<double> power_w;
};

class Probe {
 public:
  virtual ~Probe() = default;
  // The same devices in the same order at every call. UNAVAILABLE: the vendor's library or driver
  // is not there.
  virtual Result<std::vector<ProbedDevice>> devices() = 0;
  // `worker_pid` is the Worker on the device, 0 for none; probes that ask the hardware ignore it.
  // `now_ms` grows from call to call.
  virtual Result<DeviceSample> sample(uint32_t device, int64_t worker_pid, int64_t now_ms) = 0;
};

}  // namespace moai::agent
