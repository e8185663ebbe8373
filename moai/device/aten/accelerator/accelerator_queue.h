// The stream of an accelerator, by libtorch's interface for all kinds: no header of a vendor.
#pragma once

#include <memory>

#include "moai/device/device_queue.h"

namespace moai::device {

// Of a device that make_aten_device() made of these options; null where its kind has no streams.
std::unique_ptr<DeviceQueue> make_accelerator_queue(const DeviceOptions& options);

}  // namespace moai::device
