// One scheduling cycle: view, decide, carry out.
#pragma once

#include "moai/control/site.h"

namespace moai::control {

// Does nothing unless site.schedule_wanted.
void run_cycle(Site& site);

}  // namespace moai::control
