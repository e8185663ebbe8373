// Whether the windows of all ranks carry out their program.
#pragma once

#include <span>

#include "moai/base/status.h"
#include "moai/compiler/lower/lower_rank.h"

namespace moai::compiler {

// Ranks call and use storages alike. Each call is what a step becomes on its rank, and reads what
// the step reads; storages are made before and released after their uses, and what the window
// leaves lies where it began. `in.program` is verified.
Status verify_windows(const Lowering& in, std::span<const graph::Window> ranks,
                      const graph::SignatureTable& signatures);

}  // namespace moai::compiler
