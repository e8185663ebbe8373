// Elements: which elements of a whole tensor those of a part are, by row-major index in both.
//
// Digits in mixed radix, outermost first; in the part each runs from `begin` over `size` values, of
// the `whole` that there are (moai/ops/share.h). No libtorch in here.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace moai::device {

struct ElementDigit {
  int64_t whole = 1, begin = 0, size = 1;
};

class Elements {
 public:
  // Each size is at least 1, and the whole has at most 2^56 elements.
  explicit Elements(std::span<const ElementDigit> digits);

  // Of the part.
  int64_t count() const;
  // Each element as two, as complex numbers are drawn.
  Elements halves() const;
  uint64_t at(uint64_t index) const;
  // Those of `count` indices from `begin` on.
  void fill(int64_t begin, int64_t count, uint64_t* out) const;

 private:
  struct Digit {
    uint64_t size = 1, stride = 1;
  };
  std::vector<Digit> digits_;  // innermost first
  uint64_t base_ = 0;
};

}  // namespace moai::device
