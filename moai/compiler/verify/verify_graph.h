// Whether a graph of values is the dataflow of its window.
#pragma once

#include "moai/base/status.h"
#include "moai/compiler/lower/lower_rank.h"

namespace moai::compiler {

// Replays the window: its calls are the graph's nodes in order, each with its operators' arguments
// and words; each tensor lies in the segment and is seen through the view that its use says, reads
// the newest version and makes the next.
Status verify_graph(const Lowering& in, const graph::SignatureTable& signatures);

}  // namespace moai::compiler
