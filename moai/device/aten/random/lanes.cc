#include "moai/device/aten/random/lanes.h"

#include <cmath>

#include "moai/device/aten/random/elementary.h"
#include "moai/device/aten/random/elements.h"

// Sanitizers' runtimes are not up yet when the loader chooses a clone.
#if defined(__x86_64__) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__) && \
    !defined(__clang__)
#define MOAI_CLONES __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define MOAI_CLONES
#endif

namespace moai::device::lanes {
namespace {

// (0, 1]: midpoints of 2^31 (float) or 2^52 (double) equal parts, rounded.
MOAI_PHILOX_INLINE float positive_unit(uint64_t draw, float) {
  return (static_cast<float>(static_cast<int32_t>(draw >> 33)) + 0.5f) * 0x1p-31f;
}
MOAI_PHILOX_INLINE double positive_unit(uint64_t draw, double) {
  const double above_one = std::bit_cast<double>(draw >> 12 | uint64_t{1023} << 52);
  return (above_one - 1.0) + 0x1p-53;
}

// [0, 1) in steps of 2^-24 or 2^-52.
MOAI_PHILOX_INLINE float unit(uint64_t draw, float) {
  return static_cast<float>(static_cast<int32_t>(draw >> 40)) * 0x1p-24f;
}
MOAI_PHILOX_INLINE double unit(uint64_t draw, double) {
  return std::bit_cast<double>(draw >> 12 | uint64_t{1023} << 52) - 1.0;
}

template <typename Real>
MOAI_PHILOX_INLINE void normal_loop(const Bits& bits, int64_t count, Real mean, Real std,
                                    Real* out) {
  for (int64_t i = 0; i < count; ++i) {
    const Real radius =
        std::sqrt(Real(-2) * elementary::log<Real>(positive_unit(bits.first[i], Real())));
    const Real value = radius * elementary::turn<Real>(unit(bits.second[i], Real())).cosine;
    out[i] = value * std + mean;
  }
}

template <typename Real>
MOAI_PHILOX_INLINE void exponential_loop(const Bits& bits, int64_t count, Real least, Real* out) {
  for (int64_t i = 0; i < count; ++i) {
    const Real value = -elementary::log<Real>(positive_unit(bits.first[i], Real()));
    out[i] = value > least ? value : least;
  }
}

// `element(i)` is that of the range's i-th.
template <typename Element>
MOAI_PHILOX_INLINE void draw_loop(const Range& range, const Element& element, Bits& bits) {
  const PhiloxStream stream = range.stream;
  const uint8_t subsequence = range.subsequence;
  for (int64_t i = 0; i < range.count; ++i) {
    const PhiloxBlock block = philox(stream, element(i), subsequence);
    bits.first[i] = block.first();
    bits.second[i] = block.second();
  }
}

MOAI_CLONES void draw_part(const Range& range, const uint64_t* elements, Bits& bits) {
  draw_loop(range, [=](int64_t i) __attribute__((always_inline)) { return elements[i]; }, bits);
}

MOAI_CLONES void draw_whole(const Range& range, Bits& bits) {
  const auto begin = static_cast<uint64_t>(range.begin);
  draw_loop(
      range,
      [=](int64_t i) __attribute__((always_inline)) { return begin + static_cast<uint64_t>(i); },
      bits);
}

MOAI_PHILOX_INLINE uint64_t high_product(uint64_t a, uint64_t b) {
  return static_cast<uint64_t>((static_cast<unsigned __int128>(a) * b) >> 64);
}

}  // namespace

void draw(const Range& range, Bits& bits) {
  if (!range.stream.elements) return draw_whole(range, bits);
  uint64_t elements[kMax];
  range.stream.elements->fill(range.begin, range.count, elements);
  draw_part(range, elements, bits);
}

MOAI_CLONES void uniform(const Bits& bits, int64_t count, int digits, float low, float high,
                         float* out) {
  const int unused = 32 - digits;
  const float step = 1.0f / static_cast<float>(1 << digits);
  const float span = high - low;
  for (int64_t i = 0; i < count; ++i) {
    const uint32_t kept = static_cast<uint32_t>(bits.first[i] >> 32) >> unused;
    const float value = static_cast<float>(static_cast<int32_t>(kept)) * step * span + low;
    out[i] = value < high ? value : low;
  }
}

MOAI_CLONES void uniform(const Bits& bits, int64_t count, int digits, double low, double high,
                         double* out) {
  const int unused = 64 - digits;
  const double step = 1.0 / static_cast<double>(int64_t{1} << digits);
  const double span = high - low;
  for (int64_t i = 0; i < count; ++i) {
    const double unit = static_cast<double>(static_cast<int64_t>(bits.first[i] >> unused)) * step;
    const double value = unit * span + low;
    out[i] = value < high ? value : low;
  }
}

MOAI_CLONES void normal(const Bits& bits, int64_t count, float mean, float std, float* out) {
  normal_loop(bits, count, mean, std, out);
}
MOAI_CLONES void normal(const Bits& bits, int64_t count, double mean, double std, double* out) {
  normal_loop(bits, count, mean, std, out);
}

MOAI_CLONES void exponential(const Bits& bits, int64_t count, float* out) {
  exponential_loop(bits, count, 0x1p-25f, out);
}
MOAI_CLONES void exponential(const Bits& bits, int64_t count, double* out) {
  exponential_loop(bits, count, 0x1p-54, out);
}

MOAI_CLONES void integer(const Bits& bits, int64_t count, uint64_t range, int64_t low,
                         int64_t* out) {
  const uint64_t base = static_cast<uint64_t>(low);
  if (range == 0) {
    for (int64_t i = 0; i < count; ++i) out[i] = static_cast<int64_t>(base + bits.first[i]);
  } else if (range <= uint64_t{1} << 31) {
    // The same high word in 32-bit steps, which vectorise.
    for (int64_t i = 0; i < count; ++i) {
      const uint64_t low_part = (bits.first[i] & 0xFFFFFFFFu) * range >> 32;
      const uint64_t high_part = (bits.first[i] >> 32) * range;
      out[i] = static_cast<int64_t>(base + ((high_part + low_part) >> 32));
    }
  } else {
    for (int64_t i = 0; i < count; ++i) {
      out[i] = static_cast<int64_t>(base + high_product(bits.first[i], range));
    }
  }
}

MOAI_CLONES void bernoulli(const Bits& bits, int64_t count, double p, bool* out) {
  const int64_t limit = static_cast<int64_t>(std::ceil(p * 0x1p53));
  for (int64_t i = 0; i < count; ++i) {
    out[i] = static_cast<int64_t>(bits.first[i] >> 11) < limit;
  }
}

MOAI_CLONES void bernoulli(const Bits& bits, int64_t count, const double* p, bool* out) {
  for (int64_t i = 0; i < count; ++i) {
    out[i] = static_cast<double>(static_cast<int64_t>(bits.first[i] >> 11)) * 0x1p-53 < p[i];
  }
}

}  // namespace moai::device::lanes
