// Segments: which ranges of the window's storages are used as units.
#pragma once

#include <unordered_map>
#include <vector>

#include "moai/compiler/analysis/value_graph.h"

namespace moai::compiler {

class SegmentMap {
 public:
  // One use of a storage: the bytes from its first to its last element, and its element type.
  // Uses that overlap end up in one segment.
  void use(graph::StorageId storage, const tensor::Geometry& g);
  // No more uses. The segments, in order of first use of their storages, then of place.
  std::vector<Segment> finish();
  // The segment of a geometry that was used.
  SegmentId at(graph::StorageId storage, const tensor::Geometry& g) const;
  // All segments of a storage; none where it was not used.
  std::vector<SegmentId> of(graph::StorageId storage) const;

 private:
  struct Range {
    int64_t begin = 0, end = 0;  // in bytes
    tensor::DType dtype{};
    bool mixed = false;  // of element types
    SegmentId id = kNone;
  };
  struct Ranges {
    size_t order = 0;
    std::vector<Range> list{};  // disjoint and sorted once finished
  };

  std::unordered_map<graph::StorageId, Ranges> storages_;
};

}  // namespace moai::compiler
