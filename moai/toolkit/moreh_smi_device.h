// moreh-smi device: the accelerators a token has.
#pragma once

#include <optional>
#include <string>

#include "moai/toolkit/command.h"

namespace moai::toolkit {

struct DeviceFlags {
  bool asked = false;  // "device" was given
  bool list = false;
  // Asked for, with the argument where it was given.
  std::optional<std::string> add, remove, make_default;
};
// The subcommand "device" of `app`. `flags` must outlive it.
void declare_device(CLI::App& app, DeviceFlags& flags);

Result<int> manage_devices(const DeviceFlags& flags, bool json, Context& context);

}  // namespace moai::toolkit
