// A pipeline's timeline as text, one line a device:
//
//   device 0 |0f1f    0b..1b..|  50.0 % idle
#pragma once

#include <string>

#include "moai/compiler/schedule/simulate.h"

namespace moai::compiler::schedule {

// `columns` of equal time from 0 to the makespan, each showing the task in its midpoint: the last
// digit of the micro-batch where the task's first column is, then f, b, i or w (forward, whole
// backward, input gradient, weight gradient), in capitals for every second chunk of a device; a
// point where the device is idle. A legend follows.
std::string draw(const Schedule& schedule, const Simulation& simulation, size_t columns);

}  // namespace moai::compiler::schedule
