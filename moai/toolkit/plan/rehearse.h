// Runs a script so that its operators are recorded and nothing is computed.
#pragma once

#include <string>
#include <vector>

#include "moai/base/status.h"
#include "moai/graph/recording.h"
#include "moai/toolkit/terminal.h"

namespace moai::toolkit {

struct Rehearsal {
  std::string python = "python";         // a path, or a name looked up in PATH
  std::vector<std::string> arguments{};  // the script and what it is given
  int steps = 2;                         // optimizer steps after which it ends
  int seconds_max = 1800;
};

struct Rehearsed {
  graph::Recording recording{};
  double seconds = 0;
};

// Blocks until the script has ended; an interrupt or the deadline ends it with its children. What
// it warned of goes to the terminal's errors. Errors say how the script ended, with its last lines.
Result<Rehearsed> rehearse(const Rehearsal& rehearsal, graph::SignatureTable* signatures,
                           Terminal& terminal);

}  // namespace moai::toolkit
