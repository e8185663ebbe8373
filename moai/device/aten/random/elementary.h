// Elementary functions with the same bits on every machine: only IEEE additions, multiplications,
// divisions and integer operations, in a fixed order. Must be compiled without contraction into
// fused multiply-adds (-ffp-contract=off, on CUDA -fmad=false). Errors are within a few last
// places, which a drawn number does not notice.
//
// No libtorch in here, no tables and no branches, so loops over them vectorise.
#pragma once

#include <bit>
#include <cstdint>
#include <type_traits>

#include "moai/device/aten/random/philox.h"

namespace moai::device::elementary {

inline constexpr double kLn2 = 0.693147180559945309417232121458;
inline constexpr double kPi = 3.14159265358979323846264338328;

template <typename Real>
struct RealBits;
template <>
struct RealBits<float> {
  using Int = int32_t;
  static constexpr int kMantissa = 23, kLogTerms = 5, kTurnTerms = 5;
  static constexpr Int kRootHalf = 0x3F3504F3;
};
template <>
struct RealBits<double> {
  using Int = int64_t;
  static constexpr int kMantissa = 52, kLogTerms = 11, kTurnTerms = 9;
  static constexpr Int kRootHalf = 0x3FE6A09E667F3BCD;
};

// log(1 + f) for 1 + f in [sqrt(1/2), sqrt(2)]: 2 artanh(f / (2 + f)) as its series.
template <typename Real>
MOAI_PHILOX_INLINE Real log_near_one(Real f) {
  constexpr int kTerms = RealBits<Real>::kLogTerms;
  const Real s = f / (Real(2) + f);
  const Real square = s * s;
  Real sum = Real(2.0 / (2 * kTerms - 1));
#pragma GCC unroll 16
  for (int term = kTerms - 2; term >= 0; --term) sum = sum * square + Real(2.0 / (2 * term + 1));
  return s * sum;
}

// log(x) for positive, normal, finite x.
template <typename Real>
MOAI_PHILOX_INLINE Real log(Real x) {
  using Bits = RealBits<Real>;
  using Int = typename Bits::Int;
  const Int bits = std::bit_cast<Int>(x);
  const Int exponent = (bits - Bits::kRootHalf) >> Bits::kMantissa;
  const Int mantissa =
      bits - static_cast<Int>(static_cast<std::make_unsigned_t<Int>>(exponent) << Bits::kMantissa);
  // An exponent needs 11 bits; as int it converts in vector registers of any width.
  return static_cast<Real>(static_cast<int>(exponent)) * Real(kLn2) +
         log_near_one<Real>(std::bit_cast<Real>(mantissa) - Real(1));
}

// log(1 - p) for p in (0, 1), exact also for tiny p.
MOAI_PHILOX_INLINE double log_complement(double p) {
  return p < 0.25 ? log_near_one<double>(-p) : log<double>(1.0 - p);
}

template <typename Real>
struct Turn {
  Real cosine, sine;
};

// Cosine and sine of `turns` full turns, in [0, 1).
template <typename Real>
MOAI_PHILOX_INLINE Turn<Real> turn(Real turns) {
  constexpr int kTerms = RealBits<Real>::kTurnTerms;
  const int quarter = static_cast<int>(turns * Real(4) + Real(0.5));
  const Real angle = (turns - static_cast<Real>(quarter) * Real(0.25)) * Real(2 * kPi);
  const Real square = angle * angle;
  Real cosine = 1, sine = 1;
#pragma GCC unroll 16
  for (int term = kTerms; term >= 1; --term) {
    cosine = Real(1) - cosine * square * Real(1.0 / ((2 * term - 1) * (2 * term)));
    sine = Real(1) - sine * square * Real(1.0 / ((2 * term) * (2 * term + 1)));
  }
  sine = sine * angle;
  const bool swapped = (quarter & 1) != 0;
  const Real c = swapped ? sine : cosine;
  const Real s = swapped ? cosine : sine;
  const bool cosine_negative = ((quarter + 1) & 2) != 0;
  const bool sine_negative = (quarter & 2) != 0;
  return {cosine_negative ? -c : c, sine_negative ? -s : s};
}

// e^x; infinite past the range of double, 0 below it.
MOAI_PHILOX_INLINE double exp(double x) {
  if (x != x) return x;
  const double bounded = x > 1000 ? 1000 : (x < -1000 ? -1000 : x);
  const int power = static_cast<int>(bounded / kLn2 + (bounded < 0 ? -0.5 : 0.5));
  // The high part of ln 2 has 32 bits, so its product with a power is exact.
  constexpr double kHigh = 0x1.62e42feep-1;
  constexpr double kLow = 0x1.a39ef35793c76p-33;
  const double rest = (bounded - power * kHigh) - power * kLow;
  double sum = 1;
  for (int term = 14; term >= 1; --term) sum = 1.0 + sum * rest / term;
  // In two factors: 2^1024 and the subnormal powers are no normal numbers.
  const int half = power / 2;
  const double first = std::bit_cast<double>(int64_t{1023 + half} << 52);
  const double second = std::bit_cast<double>(int64_t{1023 + power - half} << 52);
  return sum * first * second;
}

}  // namespace moai::device::elementary
