// The door of the compiler for several devices: a window becomes the programs of all ranks,
// verified.
//
// Thread-safe: nothing is kept between calls. Docs: docs/design/012, 016.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "moai/base/status.h"
#include "moai/compiler/lower/storage_layout.h"
#include "moai/compiler/planner/layout.h"
#include "moai/compiler/planner/window_in_time.h"
#include "moai/graph/window.h"

namespace moai::compiler {

// A storage that exists when a window begins.
struct StorageState {
  uint64_t bytes = 0;
  StorageLayout layout{};
  bool free = false;  // it was uploaded and is on no rank yet: it lies as the window likes
};

struct DistributeInput {
  const graph::Window* window = nullptr;
  Degrees degrees{};  // of the whole job; they say what the mesh is
  std::map<graph::StorageId, StorageState> storages{};
  graph::StorageId first_temporary = 0;  // above all ids of the window
  bool whole = false;                    // every rank runs all of it
  int64_t microbatch_rows = 0;           // of the job's full batch; 0: this window has it
  bool overlaps = false;                 // exchanges go on beside calls (lower/start_exchanges.h)
};

// A word of a rank's call.
struct RankWord {
  bool recorded = false;
  uint64_t value = 0;  // the position among the window's words of what was recorded, else itself
};

struct RankWindow {
  graph::Window window{};         // its words are in `words`
  std::vector<RankWord> words{};  // one for each of the window's
};

struct Distributed {
  // Whether the ranks' programs compute the window (verify/verify.h): they must not run where this
  // is not OK.
  Status verified{};
  std::string why_whole{};  // where every rank runs all of it without having been told to
  std::string unshared{};   // of a window that trains, what of its degrees shares no work
  bool trains = false;      // gradients change weights in it
  std::vector<RankWindow> ranks{};
  // How storages must lie before it runs, where that is not as they were said to.
  std::map<graph::StorageId, StorageLayout> before{};
  // How those lie that it wrote and that live on.
  std::map<graph::StorageId, StorageLayout> after{};
  // Words (positions in the window's) without whose values the programs would be others.
  std::vector<std::pair<uint32_t, uint64_t>> assumed{};
  graph::StorageId next_temporary = 0;  // above all ids of the ranks' windows
  MicroBatchCount microbatches{};
  std::vector<TimeBarrier> barriers{};  // where micro-batches wait for each other
  Status in_time{};                     // not OK: our mistake, of which there are no micro-batches
};

Distributed distribute(const DistributeInput& in, graph::SignatureTable* signatures);

}  // namespace moai::compiler
