// Placement: where the elements of a value lie on a mesh of ranks.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "moai/ops/sharding/rule.h"

namespace moai::compiler {

// On one axis of the mesh.
struct AxisPlacement {
  enum class Kind : uint8_t {
    kReplicated,  // every rank has all of it
    kSplit,       // each rank has its share of the factor at `place` of the segment's list
    kPartial,     // the value is the `reduction` of what the ranks have
    kAt,          // the ranks at coordinate `place` of the axis have all of it, the others nothing
  };
  Kind kind = Kind::kReplicated;
  uint32_t place = 0;
  ops::Reduction reduction = ops::Reduction::kSum;

  bool operator==(const AxisPlacement&) const = default;
  auto operator<=>(const AxisPlacement&) const = default;

  bool replicated() const { return kind == Kind::kReplicated; }
  bool split() const { return kind == Kind::kSplit; }
  bool partial() const { return kind == Kind::kPartial; }
  bool at() const { return kind == Kind::kAt; }
};

inline AxisPlacement replicated() { return {}; }
inline AxisPlacement split_at(uint32_t place) { return {AxisPlacement::Kind::kSplit, place, {}}; }
inline AxisPlacement partial(ops::Reduction r) { return {AxisPlacement::Kind::kPartial, 0, r}; }
inline AxisPlacement at_stage(uint32_t stage) { return {AxisPlacement::Kind::kAt, stage, {}}; }

using Placement = std::vector<AxisPlacement>;  // one entry an axis

// With what is partial reduced.
Placement resolved(Placement p);

// "R", "S2", "P(sum)", "@1"; axes are joined by "*".
std::string to_string(const Placement& p);

struct MeshAxis {
  std::string name{};  // "dp"
  int size = 1;
};

// Of the coordinates of this axis, the stages, each has a part of the model; no other axis places
// values at a coordinate. It is the first axis of its mesh.
inline constexpr std::string_view kStageAxis = "pp";

// Ranks are numbered with the last axis running fastest.
struct Mesh {
  std::vector<MeshAxis> axes{};

  int ranks() const;
  bool has_stages() const { return !axes.empty() && axes[0].name == kStageAxis; }
  int stages() const { return has_stages() ? axes[0].size : 1; }
  // Ranks of one stage follow each other.
  int stage(int rank) const { return has_stages() ? coordinate(rank, 0) : 0; }
  int stage_ranks() const { return ranks() / stages(); }
  std::optional<uint32_t> axis(std::string_view name) const;
  int coordinate(int rank, size_t axis) const;
  // Ranks that differ from `rank` on `axis` alone, in order of their coordinate.
  std::vector<int> group(int rank, size_t axis) const;
};

// How `n` indices are shared among `k` ranks, the first ranks having one more: a fixed function, so
// that every value that has a factor is cut at the same places.
int64_t share_size(int64_t n, int k, int index);
int64_t share_begin(int64_t n, int k, int index);

}  // namespace moai::compiler
