// TimedDevice: a Device without values in virtual time. Calls take the seconds of a measured table,
// one after the other; storages have sizes and no bytes, so that many devices fit into one process.
#pragma once

#include <memory>

#include "moai/device/device.h"
#include "moai/device/fake/time_table.h"

namespace moai::device {

class TimedDevice : public Device {
 public:
  // Of virtual time, that all its calls took so far.
  virtual double now_s() const = 0;
};

// The table outlives it and is read where a call is prepared.
std::unique_ptr<TimedDevice> make_timed_device(const TimeTable* table);

}  // namespace moai::device
