// Loops over dense elements that give the bits of the CPU library's kernels.
//
// The library's vector and tail code contract alike on machines with fused multiply-adds, so each
// element is one fixed expression of its inputs, wherever it lies; loops_fit_machine() says whether
// this is such a machine.
#pragma once

#include <cstdint>

namespace moai::device::loops {

enum class Kind : uint8_t {
  kAdd,             // a + s
  kSubtract,        // a - s
  kMultiply,        // a s
  kDivide,          // a / s
  kAddScaled,       // fma(s, b, a)
  kSubtractScaled,  // fma(-s, b, a)
  kMultiplyBy,      // a b
  kDivideBy,        // a / b
  kLerp,            // from a to b by s; not 1, where the library's loops differ in a zero's sign
  kAddProduct,      // fma(s b, c, a)
  kAddQuotient,     // a + s b / c
};

template <typename Real>
struct Lane {
  const Real* a = nullptr;
  const Real* b = nullptr;
  const Real* c = nullptr;
  Real* out = nullptr;  // one of the inputs, or apart from all
  Real scalar = 0;
};

void run(Kind kind, int64_t count, const Lane<float>& lane);
void run(Kind kind, int64_t count, const Lane<double>& lane);

bool loops_fit_machine();

}  // namespace moai::device::loops
