// The Device over libtorch: cpu, or cuda and hip where such a build of the library is found.
#pragma once

#include <memory>

#include "moai/device/device.h"

namespace moai::device {

// FAILED_PRECONDITION when the library has no such kind of device. A cpu device makes the process's
// CPU memory its own: limit and figures cover everything libtorch allocates there, so one at a
// time. On other kinds the limit covers storages, the figures everything; an error of the device
// may show at a later call than the one that caused it, and then at all that follow, as in torch.
Result<std::unique_ptr<Device>> make_aten_device(const DeviceOptions& options);

}  // namespace moai::device
