// ValueGraph: a window as functional dataflow.
//
// A *segment* is a range of a storage that calls never use but as a whole or in part: what is
// packed into one storage and never read together is several segments. A *value* is one version of
// a segment. A node is one call; what it reads and makes are values, each through the view that the
// call's geometry gives it. A call that writes an operand makes the segment's next value, of which
// elements outside the view are those of the value before.
//
// A segment that no view explains, or that is used as more than one element type, is *opaque*: it
// has no digits and lies whole on every rank.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <vector>

#include "moai/compiler/analysis/view.h"
#include "moai/graph/window.h"

namespace moai::compiler {

using SegmentId = uint32_t;
using ValueId = uint32_t;
using NodeId = uint32_t;
inline constexpr uint32_t kNone = std::numeric_limits<uint32_t>::max();

struct Segment {
  graph::StorageId storage = 0;
  tensor::DType dtype = tensor::DType::kFloat32;
  int64_t begin = 0, count = 0;  // in elements; bytes and kUInt8 where opaque
  bool opaque = false;
  bool released = false;        // before the window ends
  bool shares_storage = false;  // with other segments; the storage then lies whole on every rank
};

struct Value {
  SegmentId segment = 0;
  uint32_t version = 0;     // 0 is what the window began with
  NodeId producer = kNone;  // kNone for version 0
};

struct Use {
  ValueId value = kNone;       // read; kNone for a tensor without elements, and for a fresh result
  ValueId made = kNone;        // of a written operand and of a fresh result
  std::optional<View> view{};  // nothing where the segment is opaque
};

struct ValueNode {
  uint32_t source = 0;  // the window's node it comes from
  ops::CallSignature signature{};
  uint32_t alike = 0;               // equal for equal signatures
  std::vector<Use> operands{};      // in consumption order
  std::vector<uint16_t> written{};  // of these, positions; ascending
  std::vector<Use> results{};       // fresh ones, in consumption order
  std::vector<uint32_t> words{};    // positions in the window's words
  graph::LineId line = 0;
};

struct ValueGraph {
  std::vector<Segment> segments{};
  std::vector<Value> values{};
  std::vector<ValueNode> nodes{};
  std::vector<uint64_t> words{};   // the window's
  std::vector<ValueId> inputs{};   // of version 0 that are read, in order of first use
  std::vector<ValueId> outputs{};  // last values of segments that live on and were written
};

}  // namespace moai::compiler
