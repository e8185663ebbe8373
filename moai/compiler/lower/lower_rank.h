// Lowering: the program of one rank, as a window over the rank's own storages.
#pragma once

#include <map>
#include <set>
#include <vector>

#include "moai/base/status.h"
#include "moai/compiler/sharding/spmd.h"
#include "moai/graph/window.h"

namespace moai::compiler {

// What lowering reads; all outlive the call.
struct Lowering {
  const graph::Window* window = nullptr;
  const ValueGraph* graph = nullptr;
  const Factors* factors = nullptr;
  const SpmdProgram* program = nullptr;
  // How segments lie that exist before the window; what is not there is as the program's inputs
  // say, or is made by it.
  std::map<SegmentId, Placement> existing{};
  // On a mesh with stages, storages that exist before the window at one stage alone, whether calls
  // use them or not.
  std::map<graph::StorageId, uint32_t> at_stage{};
  // Of one stage: storages of the window that its ranks do not have under their own numbers.
  std::set<graph::StorageId> absent{};
};

// The calls of `rank` in order. A storage of the window is the same storage on every rank, where it
// holds the rank's part; temporary ones are numbered from `first_temporary` on, alike on every
// rank. Moves between ranks are calls with the mesh axis as their group:
//   moai::all_reduce((f32[8]! s1, f32[4]! s2), "sum", 0)
//   s9 = moai::all_gather(f32[2,4,8] s1, 1, [4,3], 0) -> f32[2,7,8]
//   s9 = moai::reduce_scatter(f32[2,7,8] s1, 1, [4,3], "sum", 0) -> f32[2,4,8]
//   s9 = moai::all_to_all(f32[1,4,2,7,8] s1, 1, [4,3], 3, [4,3], 0) -> f32[1,7,2,4,8]
//   moai::send(f32[8] s1, 1, 0)
//   s9 = moai::receive(0, 0) -> f32[8]
//   moai::broadcast(f32[8] s1, 0, 0), and on the other ranks s9 = moai::broadcast(0, 0) -> f32[8]
// A list of numbers is the shares of all ranks along the dimension before it: the one that is
// gathered, then the one that is scattered. The first number of send is the rank in the group that
// receives, of receive the one that sends, of broadcast the one that has the value and goes on
// using it. Several that are alike but for tensors and shares may be one call over lists
// (moai/ops/bundled_call.h), and where the program overlaps them a start and a wait
// (start_exchanges.h). Calls that draw a part say which (moai/ops/share.h).
// `sources`, if any, becomes for each node the position in the window of the call that it is part
// of, or that needs it.
graph::Window lower_rank(const Lowering& in, int rank, graph::StorageId first_temporary,
                         graph::SignatureTable* signatures,
                         std::vector<uint32_t>* sources = nullptr);

}  // namespace moai::compiler
