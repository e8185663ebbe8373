// RankPart: how much of each factor of a segment one rank has, from the placement alone.
#pragma once

#include <cstdint>
#include <vector>

#include "moai/compiler/lower/lower_rank.h"

namespace moai::compiler {

class RankPart {
 public:
  // The placement of `r` is legal (placement_error).
  RankPart(const Lowering& in, RegisterId r, int rank);

  struct Share {
    int64_t whole = 1, begin = 0, size = 1;
  };
  // Elements of the rank.
  int64_t count() const { return count_; }
  // Of the factor at `place` of the segment's list.
  const Share& share(uint32_t place) const { return shares_[place]; }
  // The rank's elements in front of, and inside, the factor at `place`.
  int64_t outer(uint32_t place) const;
  int64_t inner(uint32_t place) const;
  // What the rank has of the block from `low` to `high` elements of the whole; 0 where no factors
  // make up that block.
  int64_t between(int64_t low, int64_t high) const;

 private:
  std::vector<Share> shares_;  // outermost first
  int64_t count_ = 1;
};

}  // namespace moai::compiler
