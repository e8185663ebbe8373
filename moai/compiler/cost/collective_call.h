// The calls of `moai::` that ranks make together, read back from a rank's program (the forms stand
// in moai/compiler/lower/lower_rank.h).
#pragma once

#include <cstdint>
#include <optional>

#include "moai/cluster/topology.h"
#include "moai/ops/call.h"

namespace moai::compiler::cost {

struct CollectiveCall {
  cluster::Collective kind = cluster::Collective::kAllReduce;
  uint32_t axis = 0;            // of the mesh: its group
  uint64_t bytes = 0;           // as collective_seconds takes them
  uint64_t received_bytes = 0;  // what the rank has from it: results, or what is reduced in place

  bool operator==(const CollectiveCall&) const = default;
};

// Nothing for any other call.
std::optional<CollectiveCall> collective_call(const ops::CallSignature& s);

}  // namespace moai::compiler::cost
