// One process at a time starts or stops the local platform.
#pragma once

#include <string>

#include "moai/base/fd.h"
#include "moai/base/status.h"
#include "moai/session/local/daemon.h"

namespace moai::session {

// Held until the descriptor is closed, also by the death of its holder. DEADLINE_EXCEEDED names the
// directory.
Result<Fd> lock_state(const std::string& state_dir, const Wait& wait);

}  // namespace moai::session
