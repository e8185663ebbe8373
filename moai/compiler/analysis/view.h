// View: which elements of a segment a geometry shows, in digits of the element's place.
//
// A segment is `count` elements that lie densely, one after another. Written in mixed radix the
// place of an element is a row of digits; a digit that counts steps of `low` elements and rolls
// over at `high` is the block [low, high). A dimension of a geometry shows one block, whole or a
// run of its values; blocks that no dimension shows stand at one value. So the three projections in
// a fused [tokens, 3, width] are the same view with the block [width, 3 width) selected at 0, 1, 2.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "moai/tensor/geometry.h"

namespace moai::compiler {

struct Block {
  int64_t low = 1, high = 1;  // in elements; `high` is a multiple of `low`

  bool operator==(const Block&) const = default;
  int64_t radix() const { return high / low; }
};

struct ViewDim {
  enum class Kind : uint8_t {
    kUnit,       // size 1
    kBroadcast,  // the same elements at every index
    kWhole,      // every value of the block
    kSlice,      // values start, start + step, ..., `length` of them, of the block
  };
  Kind kind = Kind::kUnit;
  Block block{};
  int64_t start = 0, length = 1, step = 1;

  bool operator==(const ViewDim&) const = default;
};

struct Selected {
  Block block{};
  int64_t index = 0;

  bool operator==(const Selected&) const = default;
};

struct View {
  std::vector<ViewDim> dims{};
  std::vector<Selected> selected{};

  bool operator==(const View&) const = default;
};

// The view of a geometry whose element 0 is the place `offset` of a segment of `count` elements.
// Several dimensions may be slices of one block: patches of which the first is left out, as rows
// and columns. Nothing where no digits explain it: dimensions that overlap, steps that do not
// divide what is around them. `offset` and the geometry must lie in the segment.
std::optional<View> view_of(int64_t count, const tensor::Geometry& g, int64_t offset);

// Whether a view shows every element of the segment exactly once.
bool is_whole(const View& view, int64_t count);

}  // namespace moai::compiler
