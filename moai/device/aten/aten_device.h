// The Device over libtorch: cpu, or cuda and hip with such a build of the library.
#pragma once

#include <memory>

#include "moai/device/device.h"

namespace moai::device {

// FAILED_PRECONDITION when the library has no such kind of device. A cpu device makes the process's
// CPU memory its own: limit and figures cover everything libtorch allocates there, so one at a
// time.
Result<std::unique_ptr<Device>> make_aten_device(const DeviceOptions& options);

}  // namespace moai::device
