// Mistakes in pipeline schedules, against devices that play them.
#pragma once

#include "moai/compiler/conformance/mutants/mutant_table.h"

namespace moai::compiler {

enum class ScheduleMistake : uint8_t {
  kOrder,      // two tasks of a device exchanged, or one run earlier
  kUnmatched,  // a task lost, run twice, or run on another device: what it sends or awaits is
};

MutantRow run_schedule_mutants(ScheduleMistake mistake, int count, unsigned seed);

}  // namespace moai::compiler
