// Philox4x32-10: a counter-based random function. A value is computed from where it stands, so any
// process can compute any part of a result and gets the same bits.
//
// Algorithm: J. K. Salmon, M. A. Moraes, R. O. Dror, D. E. Shaw, "Parallel Random Numbers: As Easy
// as 1, 2, 3", SC'11. The mapping from (seed, counter, element) to its input is ours:
// docs/design/003-drawing.md.
//
// No libtorch in here and plain inline functions only; device compilers may include it.
#pragma once

#include <cstdint>

#ifdef __CUDACC__
#define MOAI_PHILOX_INLINE __host__ __device__ inline
#else
#define MOAI_PHILOX_INLINE inline __attribute__((always_inline))
#endif

namespace moai::device {

class Elements;

// Names the random numbers of one operator call.
struct PhiloxStream {
  uint64_t seed = 0;
  uint64_t counter = 0;  // of the operator call; one call takes one, whatever its size
  // Of a call that draws a part of a tensor; outlives the call. Null: it draws all of it.
  const Elements* elements = nullptr;
};

// What one evaluation yields: 128 random bits.
struct PhiloxBlock {
  uint32_t word[4];

  MOAI_PHILOX_INLINE uint64_t first() const { return word[0] | uint64_t{word[1]} << 32; }
  MOAI_PHILOX_INLINE uint64_t second() const { return word[2] | uint64_t{word[3]} << 32; }
};

// Ten rounds on `counter` (word 0 lowest) under the key (key0, key1).
MOAI_PHILOX_INLINE PhiloxBlock philox_rounds(PhiloxBlock counter, uint32_t key0, uint32_t key1) {
  uint32_t a = counter.word[0], b = counter.word[1], c = counter.word[2], d = counter.word[3];
#ifdef __GNUC__
#pragma GCC unroll 10
#endif
  for (int round = 0; round < 10; ++round) {
    const uint64_t even = uint64_t{0xD2511F53u} * a;
    const uint64_t odd = uint64_t{0xCD9E8D57u} * c;
    a = static_cast<uint32_t>(odd >> 32) ^ b ^ key0;
    b = static_cast<uint32_t>(odd);
    c = static_cast<uint32_t>(even >> 32) ^ d ^ key1;
    d = static_cast<uint32_t>(even);
    key0 += 0x9E3779B9u;
    key1 += 0xBB67AE85u;
  }
  return {{a, b, c, d}};
}

// The bits of `element` (row-major index in the whole, logical tensor; below 2^56) in `stream`.
// An operator that needs more than 128 bits an element takes further `subsequence`s.
MOAI_PHILOX_INLINE PhiloxBlock philox(PhiloxStream stream, uint64_t element,
                                      uint8_t subsequence = 0) {
  const uint64_t low = element | uint64_t{subsequence} << 56;
  const PhiloxBlock counter = {{static_cast<uint32_t>(low), static_cast<uint32_t>(low >> 32),
                                static_cast<uint32_t>(stream.counter),
                                static_cast<uint32_t>(stream.counter >> 32)}};
  return philox_rounds(counter, static_cast<uint32_t>(stream.seed),
                       static_cast<uint32_t>(stream.seed >> 32));
}

}  // namespace moai::device
