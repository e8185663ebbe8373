// Early scatters: what goes to shares goes there as soon as it is made.
#pragma once

#include "moai/compiler/sharding/spmd.h"

namespace moai::compiler {

// Moves are made for their readers, which for gradients is the optimizer: until then each rank
// would keep all of every gradient. A reduce-scatter leaves what it reads as it is, so it may
// follow what makes that at once.
void scatter_early(SpmdProgram* program);

}  // namespace moai::compiler
