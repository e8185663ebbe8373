// Seconds of operator calls on a device, each measured among the others, as in a program: nothing
// runs twice in a row, so that no call finds its own code and data as it left them.
//
// Calls are taken in groups of about as many as a training step has, on tensors of about one size:
// among large ones small calls would find no cache. In each round every group is run some times
// over, so that a moment in which others use the machine meets no call alone. What counts is the
// lower quartile of a call's times; the release of its results is in it.
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "moai/device/device.h"

namespace moai::device {

struct CallToTime {
  ops::CallSignature signature{};
  std::vector<uint64_t> words{};
};

struct CallTimerOptions {
  int rounds = 3, sweeps = 7;  // each call runs their product
  size_t group = 200;
  uint64_t held_bytes_max = uint64_t{512} << 20;  // operands that a group keeps
  // How many calls of all runs are done; may be slow.
  std::function<void(size_t done, size_t all)> progress{};
};

// By call. Nothing for what the device refuses. Operands are halves, zeros where they count or
// point; what a call writes is written anew before each run.
std::vector<std::optional<double>> time_calls(Device* device, std::span<const CallToTime> calls,
                                              const CallTimerOptions& options = {});

}  // namespace moai::device
