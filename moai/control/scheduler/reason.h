// The sentences that tell a user why a request waits; the same ones everywhere.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "moai/control/scheduler/scheduler.h"

namespace moai::control {

struct ReasonFacts {
  std::string device_name;  // "MoAI Accelerator"
  std::string flavor;       // asked for
  uint32_t flavor_devices = 1;
  std::optional<uint32_t> accelerator;  // its number, unless it is the token's default
  int64_t holder_pid = 0;               // kInUse, kHeldByAncestor
  std::string holder_command;
  uint32_t devices_max = 0;  // kQuota, kOverLimit
};

std::string reason_text(Cause cause, const ReasonFacts& facts);

}  // namespace moai::control
