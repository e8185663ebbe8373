// The window that ranks are planned for: recomputed and in micro-batches, as degrees say.
#pragma once

#include <functional>

#include "moai/compiler/passes/micro_batches.h"
#include "moai/compiler/planner/degrees.h"

namespace moai::compiler {

struct InTimeInput {
  const graph::Window* window = nullptr;
  std::vector<uint64_t> words{};  // as for micro_batches()
  std::vector<graph::StorageId> uploaded{};
  graph::StorageId first_temporary = 0;
  Degrees degrees{};
  int64_t microbatch_rows = 0;  // of the job's full batch (microbatches_for); 0: this is one
  // Of so many micro-batches; nothing: one after the other.
  std::function<TimeOrder(int)> order{};
};

struct WindowInTime {
  MicroBatched made{};
  MicroBatchCount count{};
  // Why it is not what the degrees say, where it should be: our mistake. It is then as recorded.
  Status refused{};
};

WindowInTime window_in_time(const InTimeInput& in, graph::SignatureTable* signatures);

}  // namespace moai::compiler
