// The state file "device_memory": bytes of the flavor in use, of all its devices together, which a
// front shows before it has a connection.
#pragma once

#include <cstdint>
#include <string>

#include "moai/base/status.h"

namespace moai::session {

// Readers see the old number or the new one. Makes the directory where it is missing.
Status remember_device_memory(const std::string& state_dir, uint64_t bytes);

}  // namespace moai::session
