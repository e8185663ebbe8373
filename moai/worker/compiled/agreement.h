// Agreement: whether a compiled window computed what was interpreted.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

#include "moai/base/status.h"

namespace moai::worker {

// The tolerance, with a = 1e-5 and r = 1.3e-4 in float32, 1e-12 and 1e-9 in float64, 1e-2 and 1e-2
// in half types: the root of the mean square of the difference is at most a + r times that of the
// interpreted values, and no element is off by more than a hundred times a + r |value|. Where one
// has no number or an infinity, so has the other; other dtypes are equal.
//
// By the mean and not by the element, since an optimizer that divides by the size of a gradient
// which is zero up to rounding (the bias of keys in attention) makes any noise of it large.
//
// ABORTED says how far they are apart. Both are flat and of one dtype and size.
Status agreement(const at::Tensor& interpreted, const at::Tensor& compiled);

// Whether storages *change* alike: a step of an optimizer is so small beside what it steps from
// that the tolerance above would let a wrong one pass. Of the floating elements at least 99 % lie
// in storages whose change differs by at most 2 % (root mean squares); the rest is for gradients
// that are zero up to rounding.
class Changes {
 public:
  // `before` is not defined for a storage that was made.
  void add(const at::Tensor& before, const at::Tensor& interpreted, const at::Tensor& compiled);
  // ABORTED tells of the storages that differ.
  Status agreement() const;

 private:
  int64_t elements_ = 0, differing_ = 0;
  double worst_ = 0;  // share of its change by which the largest of them differs
  int64_t largest_ = 0;
};

}  // namespace moai::worker
