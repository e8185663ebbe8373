// The state file "known_accelerators" (a moai.v1.Accelerators message): what the local platform had
// when a tool looked at it last, shown while it does not run.
#pragma once

#include <optional>
#include <string>

#include "moai/toolkit/platform.h"

namespace moai::toolkit {

// Does nothing for a configured platform. A file that cannot be written only makes the table of a
// stopped platform less exact.
void remember_accelerators(const Platform& platform, const v1::Accelerators& accelerators);
// Nothing when there is no such file, or it cannot be understood.
std::optional<v1::Accelerators> known_accelerators(const std::string& state_dir);

}  // namespace moai::toolkit
