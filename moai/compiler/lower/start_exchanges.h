// Exchanges that go on beside calls: of a rank's emitted program, starts and waits in place of the
// calls of `moai::` that others need not wait for (moai/ops/started_call.h).
//
// A start stands where the call stood; the wait before the first node that touches what it makes,
// or writes what it reads. What it reads is released behind the wait; of exchanges that keep
// something so, at most kKeepingMax are in flight. Calls that nothing would go on beside stay as
// they are, and nothing is in flight across the border of a region that may be skipped. What is
// done depends on kinds of nodes, operators and storages alone, so that ranks of equal programs
// stay alike.
#pragma once

#include <cstdint>
#include <vector>

#include "moai/graph/window.h"

namespace moai::compiler {

inline constexpr int kKeepingMax = 2;

// `sources`: by node the position of a recorded call (lower_rank.h); a wait has that of who waits.
graph::Window start_exchanges(const graph::Window& program, graph::SignatureTable* signatures,
                              std::vector<uint32_t>* sources);

}  // namespace moai::compiler
