// Micro-batches: a window whose batch runs in parts, one after the other.
//
// The batch is shared along a mesh of one axis, "time"; the program for it is lowered into one
// window: what the axis leaves whole runs once, what it splits runs for each micro-batch on
// storages of its own, what is partial is summed up in the order of the tasks. The window that
// comes out is over the same global tensors and computes the same. docs/design/020
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "moai/base/status.h"
#include "moai/compiler/analysis/import_window.h"
#include "moai/compiler/passes/time_barrier.h"
#include "moai/graph/window.h"

namespace moai::compiler {

// What one stage does for one micro-batch.
struct TimeTask {
  int stage = 0;
  bool backward = false;
  int microbatch = 0;

  bool operator==(const TimeTask&) const = default;
};

// In which order they run. What belongs to no task (what is whole in time) runs where it is needed
// first, the optimizer after all tasks.
struct TimeOrder {
  // Every task once; empty: forward, then backward of a micro-batch, one after the other.
  std::vector<TimeTask> tasks{};
  // By node of the window; empty: all are of stage 0.
  std::vector<int> stages{};
  // By node of the window, whether it is in the backward part; empty: as its roles say.
  std::vector<bool> backward{};
};

// Where a node of the window in time comes from.
struct NodeOrigin {
  static constexpr int kOnce = -1;
  uint32_t source = 0;     // the window's node
  int microbatch = kOnce;  // kOnce: it runs once, for all
  bool backward = false;   // with `microbatch`, and the stage of its source, the task it is part of
};

struct MicroBatchInput {
  const graph::Window* window = nullptr;
  // Words to be emitted in place of the window's, which analysis reads; empty: the same.
  std::vector<uint64_t> words{};
  std::vector<graph::StorageId> uploaded{};  // as for find_roles()
  graph::StorageId first_temporary = 0;      // above all ids of the window
  int microbatches = 1;                      // they divide the batch (microbatches_for)
  TimeOrder order{};
  // Of tests: a mistake, made before the window in time is checked.
  std::function<void(graph::Window*)> mistake{};
};

struct MicroBatched {
  // INTERNAL where the window in time is not the window: it must not be used.
  Status verified{};
  graph::Window window{};
  std::vector<NodeOrigin> origins{};  // by node
  std::vector<TimeBarrier> barriers{};
  // Where the forward and the backward part of each micro-batch begin, ascending.
  std::vector<uint32_t> phases{};
  // Storages that it uses in the parts of micro-batches: for the planner of the window in time.
  std::vector<WholeStorage> wholes{};
  // Words, as emitted, on whose values the analysis rests.
  std::vector<uint64_t> assumed{};
  graph::StorageId next_temporary = 0;  // above all ids of the window in time
};

// With one micro-batch, the window as it is.
MicroBatched micro_batches(const MicroBatchInput& in, graph::SignatureTable* signatures);

// How many micro-batches the window's batch has where the job's full one has `microbatches` of
// `size` rows: the least that divides it and makes them no larger. A size of 0 is that of this
// window. 1 for a window without a batch or a backward part.
struct MicroBatchCount {
  int microbatches = 1;
  int64_t size = 0;  // rows of each; 0 without a batch
};
MicroBatchCount microbatches_for(const graph::Window& w,
                                 const std::vector<graph::StorageId>& uploaded, int microbatches,
                                 int64_t size, const graph::SignatureTable& signatures);

}  // namespace moai::compiler
