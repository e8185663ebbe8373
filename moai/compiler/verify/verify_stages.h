// Whether pipeline stages together run a program, and meet where it has them meet.
#pragma once

#include <span>

#include "moai/base/status.h"
#include "moai/compiler/lower/lower_rank.h"

namespace moai::compiler {

// `parts`: the programs of all stages (sharding/stage_program.h). Each has the program's steps that
// are its own, in their order, and nothing else; what one sends another the other receives, in the
// same order.
Status verify_stage_programs(const Lowering& in, std::span<const SpmdProgram* const> parts);

// Plays what ranks send each other: a message arrives behind those before it, a broadcast ends when
// all stages have come to it. `ranks`: the window of one rank of each stage, which
// differ in nothing but their stage.
Status verify_meetings(std::span<const graph::Window* const> ranks,
                       const graph::SignatureTable& signatures);

}  // namespace moai::compiler
