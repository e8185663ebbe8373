// LocalLayout: how one rank's part of a segment lies in its buffer.
#pragma once

#include <cstdint>
#include <vector>

#include "moai/compiler/sharding/spmd.h"

namespace moai::compiler {

// A rank's part has the segment's factors in the same order, densely, each as large as the rank's
// share of it.
class LocalLayout {
 public:
  LocalLayout(const ValueGraph& g, const Factors& factors, const Mesh& mesh, SegmentId segment,
              const Placement& placement, int rank);
  // Of digits of these sizes, outermost first.
  LocalLayout(std::vector<int64_t> sizes, const Mesh& mesh, const Placement& placement, int rank);

  int64_t count() const { return count_; }
  // Elements in front of, at, and inside the factor at `place`.
  struct Around {
    int64_t outer = 1, here = 1, inner = 1;
  };
  Around around(uint32_t place) const;
  // Elements that follow each other in the segment and in the rank's part.
  struct Piece {
    int64_t whole_begin = 0, begin = 0, count = 1;
  };
  // All of the part, in its order.
  std::vector<Piece> pieces() const;
  // What the call sees through the view of `use`, whose geometry in the whole segment is `whole`.
  // Offsets count from the beginning of the rank's part; of an opaque segment, which stays where it
  // is, from that of the storage.
  tensor::Geometry geometry(const Use& use, const tensor::Geometry& whole) const;

 private:
  // Of a block: the rank's indices and the elements between them.
  struct Run {
    int64_t size = 1, stride = 1;
  };
  Run run(Block b) const;
  void take_share(const Mesh& mesh, const Placement& placement, int rank);

  std::vector<int64_t> whole_sizes_, begins_, sizes_;  // of the factors, outermost first
  int64_t count_ = 1;
};

}  // namespace moai::compiler
