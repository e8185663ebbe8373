// Times of operator calls on a device of this host.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "moai/base/status.h"
#include "moai/device/aten/aten_device.h"
#include "moai/device/timing/call_timer.h"

namespace moai::apps {

struct MeasuredCallsOptions {
  device::DeviceOptions device{};
  device::CallTimerOptions timer{};  // of its hooks those alone that are not named below
  int ranks = 1;          // processes of a processor's device that make the calls at once
  std::string scratch{};  // files of parts lie beside it
  std::function<void(double)> progress{};
};

// Of bound calls a line each: microseconds, of a cold and of a far call where those are asked for,
// a tab, the call; "-": it is refused. A call that ends an accelerator is told on stderr and those
// behind it are timed by another process. Forks: this process must have no threads yet.
Result<std::string> measured_calls(const std::vector<std::string>& calls,
                                   const MeasuredCallsOptions& options);

}  // namespace moai::apps
