// RecordedStep: of a script's recording, the training step that a plan is made for.
#pragma once

#include <vector>

#include "moai/base/status.h"
#include "moai/compiler/cost/live_storages.h"
#include "moai/graph/recording.h"

namespace moai::compiler {

struct RecordedStep {
  graph::Window window{};
  std::vector<graph::StorageId> uploaded{};  // in the window
  // Bytes of the storages that are older than the window, uploads to it included.
  cost::StorageBytes older{};
};

// The last window in which gradients change weights: the later, the more it is like all that
// follow. FAILED_PRECONDITION says what was recorded instead.
Result<RecordedStep> training_step(const graph::Recording& recording,
                                   const graph::SignatureTable& signatures);

// All windows that call something, in order, those of more nodes than `nodes_max` in pieces; of
// those that differ in nothing but storages and words the first.
std::vector<RecordedStep> distinct_windows(const graph::Recording& recording, size_t nodes_max,
                                           const graph::SignatureTable& signatures);

}  // namespace moai::compiler
