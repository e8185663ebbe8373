// Recomputation: forward calls whose results the backward pass reads are called again there.
//
// Before the first reader there, on storages of their own; the first results leave with their last
// reader in the forward pass. Calls that draw draw the same numbers, which are words of theirs.
// Results of calls that change something else (statistics), and of those whose operands are no
// longer what they were, are kept. docs/design/020
#pragma once

#include <vector>

#include "moai/base/status.h"
#include "moai/compiler/planner/degrees.h"
#include "moai/graph/window.h"

namespace moai::compiler {

struct Recomputed {
  // INTERNAL where it does not compute the window: it must not be used.
  Status verified{};
  graph::Window window{};
  std::vector<uint64_t> words{};    // to be emitted in place of the window's
  std::vector<uint32_t> sources{};  // by node, the window's node that it is, or is again
  std::vector<bool> backward{};     // by node; what is computed again is
  graph::StorageId next_temporary = 0;
};

// `words`: that are to be emitted in place of the window's; empty: the same. `uploaded`: as for
// find_roles().
Recomputed recompute(const graph::Window& w, const std::vector<uint64_t>& words,
                     const std::vector<graph::StorageId>& uploaded, Recompute how,
                     graph::StorageId first_temporary, const graph::SignatureTable& signatures);

}  // namespace moai::compiler
