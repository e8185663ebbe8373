// Verify: whether what ranks are about to run computes the window that was recorded.
//
// Three levels, each from the rules of operators and the geometry of shares, none by partitioning
// or lowering again: the graph of values against its window (verify_graph.h), the program against
// the graph and its rules (verify_program.h), the windows of all ranks against the program and each
// other (verify_windows.h), once what goes on beside calls is seen to do so unseen
// (verify_started.h). Linear in the calls; ranks of equal shares are looked at once.
//
// Relied on are the rules (tried by splitting samples on the CPU), the function that cuts a factor
// into shares, and operators doing what they say. How often it is wrong: docs/verification.md.
#pragma once

#include <span>

#include "moai/base/status.h"
#include "moai/compiler/lower/lower_rank.h"

namespace moai::compiler {

// INTERNAL with the step, its operator and source line where a program must not be run. `ranks`:
// one window a rank.
Status verify(const Lowering& in, std::span<const graph::Window> ranks,
              const graph::SignatureTable& signatures);

}  // namespace moai::compiler
