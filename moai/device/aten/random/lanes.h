// Loops from Philox bits to distributions, over consecutive elements. Each is compiled for several
// vector widths and chosen at load time; all yield the same bits. Thread-safe, no libtorch.
#pragma once

#include <cstdint>

#include "moai/device/aten/random/philox.h"

namespace moai::device::lanes {

// Most elements of one call; buffers of this size stay in the first-level cache.
inline constexpr int64_t kMax = 512;

// 128 bits for each of up to kMax elements, as two 64-bit draws. A narrow value is made of the high
// bits of a draw, so narrowing a type keeps what it drew, to its precision.
struct Bits {
  uint64_t first[kMax];
  uint64_t second[kMax];
};

// A range of elements of one call, at most kMax.
struct Range {
  PhiloxStream stream;
  int64_t begin = 0;
  int64_t count = 0;
  uint8_t subsequence = 0;
};

void draw(const Range& range, Bits& bits);

// [low, high) from the `digits` highest bits of the first draw; `low` where both are equal.
void uniform(const Bits& bits, int64_t count, int digits, float low, float high, float* out);
void uniform(const Bits& bits, int64_t count, int digits, double low, double high, double* out);

// Box-Muller: the first draw gives the radius, the second the angle.
void normal(const Bits& bits, int64_t count, float mean, float std, float* out);
void normal(const Bits& bits, int64_t count, double mean, double std, double* out);

// Exponential with rate 1, never 0, from the first draw.
void exponential(const Bits& bits, int64_t count, float* out);
void exponential(const Bits& bits, int64_t count, double* out);

// low + [0, range), modulo 2^64, from the first draw: the high word of its product with `range`.
// Range 0 stands for 2^64.
void integer(const Bits& bits, int64_t count, uint64_t range, int64_t low, int64_t* out);

// Whether the first draw, as one of 2^53 equidistant numbers in [0, 1), lies below p in [0, 1].
void bernoulli(const Bits& bits, int64_t count, double p, bool* out);
void bernoulli(const Bits& bits, int64_t count, const double* p, bool* out);

}  // namespace moai::device::lanes
