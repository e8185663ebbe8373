// StorageLayout: where a storage lies between windows.
//
// Each window has factors of its own, so what is remembered are digits of the elements' places.
#pragma once

#include <cstdint>
#include <vector>

#include "moai/compiler/analysis/factors.h"
#include "moai/compiler/lower/local_layout.h"

namespace moai::compiler {

struct StorageLayout {
  tensor::DType dtype = tensor::DType::kUInt8;
  std::vector<int64_t> sizes{};  // of the digits, outermost first; their product covers the storage
  // One entry an axis, none partial; empty: whole on every rank. Ranks at other stages than it is
  // at have nothing.
  Placement placement{};

  bool operator==(const StorageLayout&) const = default;
  bool whole() const;
  bool is_on(const Mesh& mesh, int rank) const;
  // Which of the elements a rank has, in its order.
  LocalLayout part(const Mesh& mesh, int rank) const { return {sizes, mesh, placement, rank}; }
  uint64_t part_bytes(const Mesh& mesh, int rank) const;
};

// The borders that a window's factors need for a segment which lies so.
std::vector<Cut> cuts_of(const StorageLayout& layout, SegmentId s);
// The layout as a placement of the segment; nothing where the window's factors cannot say it.
std::optional<Placement> placement_of(const StorageLayout& layout, const Factors& factors,
                                      SegmentId s, const Mesh& mesh);
// A placement of a segment that covers its storage, none of it partial.
StorageLayout layout_of(const Placement& p, const ValueGraph& g, const Factors& factors,
                        SegmentId s);

}  // namespace moai::compiler
