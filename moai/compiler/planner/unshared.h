// What of a plan shares no work of a step, in the words of both `moai plan` and jobs.
#pragma once

#include <string>

#include "moai/compiler/planner/degrees.h"

namespace moai::compiler {

// Of a split context; `tokens` of a sequence, 0 where none was recognized. Empty: it shares work.
std::string unshared_context(const Degrees& degrees, int64_t tokens);

}  // namespace moai::compiler
