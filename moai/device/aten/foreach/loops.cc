#include "moai/device/aten/foreach/loops.h"

#include <ATen/Version.h>

#include <cmath>
#include <string>

// Sanitizers' runtimes are not up yet when the loader chooses a clone.
#if defined(__x86_64__) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__) && \
    !defined(__clang__)
#define MOAI_CLONES __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define MOAI_CLONES
#endif

namespace moai::device::loops {
namespace {

template <typename Real, typename Element>
[[gnu::always_inline]] inline void each(int64_t count, const Lane<Real>& lane, Element element) {
  const Real *a = lane.a, *b = lane.b, *c = lane.c;
  Real* out = lane.out;
#pragma GCC ivdep
  for (int64_t i = 0; i < count; ++i) out[i] = element(i, a, b, c);
}

template <typename Real>
[[gnu::always_inline]] inline void lerp(int64_t count, const Lane<Real>& lane) {
  using P = const Real*;
  const Real s = lane.scalar;
  if (std::abs(s) < Real(0.5)) {
    each(count, lane, [s](int64_t i, P a, P b, P) { return std::fma(s, b[i] - a[i], a[i]); });
  } else {
    const Real rest = s - Real(1);
    each(count, lane, [rest](int64_t i, P a, P b, P) { return std::fma(rest, b[i] - a[i], b[i]); });
  }
}

template <typename Real>
[[gnu::always_inline]] inline void dispatch(Kind kind, int64_t count, const Lane<Real>& lane) {
  using P = const Real*;
  const Real s = lane.scalar;
  switch (kind) {
    case Kind::kAdd:
      return each(count, lane, [s](int64_t i, P a, P, P) { return a[i] + s; });
    case Kind::kSubtract:
      return each(count, lane, [s](int64_t i, P a, P, P) { return a[i] - s; });
    case Kind::kMultiply:
      return each(count, lane, [s](int64_t i, P a, P, P) { return a[i] * s; });
    case Kind::kDivide:
      return each(count, lane, [s](int64_t i, P a, P, P) { return a[i] / s; });
    case Kind::kAddScaled:
      return each(count, lane, [s](int64_t i, P a, P b, P) { return std::fma(s, b[i], a[i]); });
    case Kind::kSubtractScaled:
      return each(count, lane, [s](int64_t i, P a, P b, P) { return std::fma(-s, b[i], a[i]); });
    case Kind::kMultiplyBy:
      return each(count, lane, [](int64_t i, P a, P b, P) { return a[i] * b[i]; });
    case Kind::kDivideBy:
      return each(count, lane, [](int64_t i, P a, P b, P) { return a[i] / b[i]; });
    case Kind::kLerp:
      return lerp(count, lane);
    case Kind::kAddProduct:
      return each(count, lane,
                  [s](int64_t i, P a, P b, P c) { return std::fma(s * b[i], c[i], a[i]); });
    case Kind::kAddQuotient:
      return each(count, lane, [s](int64_t i, P a, P b, P c) { return a[i] + s * b[i] / c[i]; });
  }
}

}  // namespace

MOAI_CLONES void run(Kind kind, int64_t count, const Lane<float>& lane) {
  dispatch(kind, count, lane);
}
MOAI_CLONES void run(Kind kind, int64_t count, const Lane<double>& lane) {
  dispatch(kind, count, lane);
}

bool loops_fit_machine() {
  static const bool fit = [] {
    const std::string used = at::get_cpu_capability();
    return used == "AVX2" || used == "AVX512";
  }();
  return fit;
}

}  // namespace moai::device::loops
