// SpmdProgram: a window laid out on a mesh, one program for all ranks.
//
// A register holds one value in one placement, in a buffer of its own; what calls write they write
// into the register that they read. Steps run in order. Rank enters only through the sizes of
// shares.
#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "moai/compiler/analysis/factors.h"
#include "moai/compiler/sharding/placement.h"

namespace moai::compiler {

using RegisterId = uint32_t;

struct Register {
  ValueId value = kNone;
  Placement placement{};
};

// What one axis does in a call.
struct AxisWork {
  enum class Kind : uint8_t { kReplicated, kSplit, kLinear, kAt };
  Kind kind = Kind::kReplicated;
  ops::FactorIndex factor = 0;  // kSplit: of the rule
  uint32_t part = 0;            // and which of its parts; kAt: at which stage it runs

  bool operator==(const AxisWork&) const = default;
};

struct CallStep {
  NodeId node = kNone;
  std::vector<AxisWork> work{};        // one entry an axis
  std::vector<RegisterId> operands{};  // kNone where nothing is read
  std::vector<RegisterId> made{};      // of fresh results, then of what is written
};

enum class MoveKind : uint8_t {
  kSlice,
  kMask,
  kAllGather,
  kAllToAll,
  kAllReduce,
  kReduceScatter,
  // Over the axis of stages: from one stage to another, to all of them, and from all to one, which
  // has it already.
  kTransfer,
  kBroadcast,
  kKeep,
  // What one stage does of a transfer (stage_program.h).
  kSend,
  kReceive,
};

struct MoveStep {
  MoveKind kind = MoveKind::kSlice;
  uint32_t axis = 0;
  RegisterId from = kNone, to = kNone;
  NodeId reader = kNone;  // the call that wants it; kNone at the end
  uint32_t peer = 0;      // the other stage of kSend and kReceive; which one kBroadcast begins at
  uint32_t bundle = 0;    // moves of one number other than 0 follow each other and go in one call
};

using Step = std::variant<CallStep, MoveStep>;

struct SpmdProgram {
  Mesh mesh{};
  std::vector<Register> registers{};
  std::vector<RegisterId> inputs{};   // as ValueGraph::inputs
  std::vector<RegisterId> outputs{};  // as ValueGraph::outputs
  std::vector<Step> steps{};
  // What ranks exchange goes on beside calls (lower/start_exchanges.h).
  bool overlaps = false;
};

std::string_view name(MoveKind kind);

// One line a step: "%4 = all_gather[dp] %3 #1" of bundle 1, "%5 = aten::mm %1:R*S0 %2 | dp: f0".
std::string print(const ValueGraph& g, const SpmdProgram& p);

}  // namespace moai::compiler
