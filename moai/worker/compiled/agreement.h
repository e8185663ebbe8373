// Agreement: whether a compiled window computed what was interpreted.
#pragma once

#include <ATen/core/Generator.h>
#include <ATen/core/Tensor.h>

#include <cstdint>

#include "moai/base/status.h"

namespace moai::worker {

// A copy with each element moved up or down by four roundings, or one in half types; types that do
// not round stay.
at::Tensor moved(const at::Tensor& values, at::Generator& generator);

// How far results move when what they are computed from is moved(): no two ways to
// compute them can be expected to be closer. An optimizer that divides a gradient by its own size
// makes noise of one that is zero up to rounding (the bias of keys in attention, or of a
// convolution before a normalization).
struct Noise {
  double mean = 0;  // root of the mean square
  double most = 0;
  // The larger of the two.
  Noise operator|(const Noise& other) const;
};
// Both are flat and of one dtype and size: as computed, and from inputs that moved.
Noise noise_of(const at::Tensor& computed, const at::Tensor& moved);

// The tolerance, with a = 1e-5 and r = 1.3e-4 in float32, 1e-12 and 1e-9 in float64, 1e-2 and 1e-2
// in half types: the root of the mean square of the difference is at most a + r times that of the
// interpreted values + 4 times the noise, and no element is off by more than a hundred times
// a + r |value| and 4 times the noise. Where one has no number or an infinity, so has the other;
// other dtypes are equal.
//
// ABORTED says how far they are apart. Both are flat and of one dtype and size.
Status agreement(const at::Tensor& interpreted, const at::Tensor& compiled,
                 const Noise& noise = {});

// Whether storages *change* alike: a step of an optimizer is so small beside what it steps from
// that the tolerance above would let a wrong one pass. Of the floating elements at least 99.9 % lie
// in storages whose change differs by at most 2 % and 4 times the noise (root mean squares); the
// rest is for storages so small that their noise is not known.
class Changes {
 public:
  // `before` is not defined for a storage that was made.
  void add(const at::Tensor& before, const at::Tensor& interpreted, const at::Tensor& compiled,
           const Noise& noise = {});
  // ABORTED tells of the storages that differ.
  Status agreement() const;

 private:
  int64_t elements_ = 0, differing_ = 0;
  double worst_ = 0;  // share of its change by which the largest of them differs
  int64_t largest_ = 0;
};

}  // namespace moai::worker
