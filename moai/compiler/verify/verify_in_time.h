// Whether one window does what the windows of all ranks of an axis "time" do.
#pragma once

#include <span>

#include "moai/base/status.h"
#include "moai/compiler/lower/lower_rank.h"

namespace moai::compiler {

// `ranks`: the windows of virtual ranks, verified (verify.h). They are run in lockstep, and the one
// window by itself, over numbers that stand for contents: what the same call makes of the same
// contents has one number. Sums, whatever their order, and parts put together have the numbers that
// ranks' collectives have. In the end every storage must hold the same, and no others exist.
Status verify_in_time(const Lowering& in, std::span<const graph::Window> ranks,
                      const graph::Window& in_time, const graph::SignatureTable& signatures);

}  // namespace moai::compiler
