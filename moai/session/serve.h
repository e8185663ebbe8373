// Puts the holder of one script together and runs it.
#pragma once

#include <string>

#include "moai/base/fd.h"
#include "moai/base/status.h"

namespace moai::session {

struct ServeOptions {
  std::string version;  // of this program
  Fd driver;            // stream socket to the driver
  Fd script;            // pidfd of the script, where there is one
};

// Returns when the script is gone and the master was told, or when the session has failed.
void serve(ServeOptions options);

}  // namespace moai::session
