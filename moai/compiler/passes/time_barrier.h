// Where micro-batches wait for each other.
#pragma once

#include <string>

#include "moai/graph/window.h"

namespace moai::compiler {

// Where all micro-batches wait for each other, before the backward part leaves its sums.
struct TimeBarrier {
  uint32_t source = 0;  // the window's node that needs the sum
  std::string op{};     // of it
  graph::LineId line = 0;
};

}  // namespace moai::compiler
