// DeviceQueue: what a library of the device's maker needs of it: where memory lies, and the stream
// in which calls run. Work that is enqueued there is in order with the calls around it.
//
// The thread that calls the Device.
#pragma once

#include <cstddef>
#include <string>

#include "moai/base/status.h"
#include "moai/device/device.h"

namespace moai::device {

class DeviceQueue {
 public:
  virtual ~DeviceQueue() = default;
  // "cuda", as of DeviceOptions, and which device of this machine it is: "cuda:3".
  virtual std::string kind() const = 0;
  virtual std::string name() const = 0;
  // Makes it the device of the calling thread.
  virtual Status bind() = 0;
  // The stream's own handle; null is the default one. An error where the library tells none.
  virtual Result<void*> stream() = 0;
  // Of a buffer of this device, for the device alone. Valid in the stream while the buffer lives.
  virtual std::byte* address(const Buffer& buffer) = 0;
  // Waits for all that was enqueued.
  virtual Status synchronize() = 0;
};

}  // namespace moai::device
