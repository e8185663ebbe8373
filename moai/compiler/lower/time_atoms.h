// Time atoms: what a program on a mesh of one axis, "time", does when one device does all of it.
//
// In the order of the program each step is made for every micro-batch, on storages of its own where
// the axis does not leave it whole. A storage of the window is what it was; parts of it are copies.
#pragma once

#include <map>
#include <vector>

#include "moai/compiler/lower/buffers.h"
#include "moai/compiler/lower/local_call.h"

namespace moai::compiler {

// What runs at once, and for which micro-batch.
struct TimeAtom {
  static constexpr int kOnce = -1;
  std::vector<LocalCall> calls{};
  uint32_t step = 0;      // of the program; past the last for what comes after it
  NodeId node = kNone;    // whose call it is, or that makes what it moves; kNone: of an input
  NodeId reader = kNone;  // of a move over all micro-batches: the node that needs it
  ValueId moved = kNone;
  int microbatch = kOnce;
  bool eager = false;    // it runs with its node's, not where somebody needs it
  bool is_part = false;  // one item of a call over lists
};

struct TimeAtoms {
  std::vector<TimeAtom> atoms{};
  std::map<graph::StorageId, uint64_t> bytes{};  // of storages that no call makes as its result
  graph::StorageId next_temporary = 0;
};

// `turns`: by node, the micro-batches in the order in which it runs for them, which is the order in
// which they are summed; empty: ascending.
TimeAtoms time_atoms(const Lowering& in, const std::vector<std::vector<int>>& turns,
                     graph::StorageId first_temporary);

}  // namespace moai::compiler
