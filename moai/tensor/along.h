// Runs along one dimension of contiguous bytes: how shares are cut out and put together.
#pragma once

#include <cstdint>
#include <cstring>
#include <numeric>
#include <span>

#include "moai/tensor/geometry.h"

namespace moai::tensor {

// A contiguous tensor as [outer, size, inner], `inner` in bytes.
struct Along {
  int64_t outer = 1, size = 1, inner = 1;

  int64_t bytes() const { return outer * size * inner; }
  Along with_size(int64_t n) const { return {outer, n, inner}; }
};

// `dimension` must be one of the geometry's.
inline Along along(const Geometry& g, size_t dimension) {
  const auto product = [](auto begin, auto end, int64_t from) {
    return std::accumulate(begin, end, from, [](int64_t a, int64_t b) { return a * b; });
  };
  const auto at = g.sizes.begin() + static_cast<ptrdiff_t>(dimension);
  return {product(g.sizes.begin(), at, 1), *at,
          product(at + 1, g.sizes.end(), static_cast<int64_t>(dtype_size(g.dtype)))};
}

// Copies `n` indices of the dimension from `from` in `in` to `to` in `out`; both have the same
// outer and inner.
inline void copy_along(const char* in, const Along& of_in, int64_t from, int64_t n, char* out,
                       const Along& of_out, int64_t to) {
  for (int64_t o = 0; o < of_in.outer; ++o) {
    std::memcpy(out + (o * of_out.size + to) * of_out.inner,
                in + (o * of_in.size + from) * of_in.inner, static_cast<size_t>(n * of_in.inner));
  }
}

// Where the share of `index` begins.
inline int64_t begin_of(std::span<const int64_t> shares, size_t index) {
  return std::accumulate(shares.begin(), shares.begin() + static_cast<ptrdiff_t>(index),
                         int64_t{0});
}

}  // namespace moai::tensor
