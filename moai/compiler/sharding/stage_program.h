// StageProgram: what the ranks of one pipeline stage run of a program.
#pragma once

#include "moai/compiler/sharding/spmd.h"

namespace moai::compiler {

// Of a program on a mesh with stages. Registers keep their numbers; those that the stage has are
// whole on the axis of stages, which has one coordinate now. A transfer is a send or a receive,
// with the other stage as peer: received where the value is needed, sent where it is made, as far
// as messages to one stage keep the order in which they are received; items of one call over lists
// stay together. What a stage has already it uses where it is: what keeps a value, and where a
// broadcast begins, is no other register.
SpmdProgram stage_program(const ValueGraph& g, const SpmdProgram& program, uint32_t stage);

}  // namespace moai::compiler
