// Whether what goes on beside calls does so unseen.
#pragma once

#include "moai/base/status.h"
#include "moai/graph/window.h"

namespace moai::compiler {

// Each start has one wait behind it, for all that it makes and the group it is of. In between
// nothing touches what it makes, nothing writes or releases what it reads, and no region that may
// be skipped begins or ends. So whole calls in place of the starts compute the same.
Status verify_started(const graph::Window& program, const graph::SignatureTable& signatures);

bool has_waits(const graph::Window& program, const graph::SignatureTable& signatures);
// Without its waits: a start, read as the whole call (lowered_calls.h), does all of it.
graph::Window without_waits(const graph::Window& program, const graph::SignatureTable& signatures);

}  // namespace moai::compiler
