// Gamma and Dirichlet.
//
// G. Marsaglia, W. W. Tsang, "A simple method for generating gamma variables", 2000.
#include <ATen/Dispatch.h>
#include <ATen/ops/empty.h>

#include <algorithm>
#include <limits>

#include "moai/device/aten/random/element_draws.h"
#include "moai/device/aten/random/fill.h"
#include "moai/device/aten/random/operators.h"

namespace moai::device {
namespace {

double sample_gamma(PhiloxStream stream, int64_t element, double alpha) {
  if (alpha == 0) return 0;
  ElementDraws draws(stream, element);
  // A shape below 1: the sample of the shape above it times u^(1 / alpha).
  const double scale =
      alpha < 1 ? elementary::exp(elementary::log<double>(draws.unit()) / alpha) : 1;
  const double d = (alpha < 1 ? alpha + 1 : alpha) - 1.0 / 3;
  const double c = 1 / std::sqrt(9 * d);
  while (!draws.exhausted()) {
    const double x = draws.normal(), root = 1 + c * x, u = draws.unit();
    if (root <= 0) continue;
    const double v = root * root * root, square = x * x;
    if (u < 1 - 0.0331 * square * square) return scale * d * v;
    if (elementary::log<double>(u) < 0.5 * square + d * (1 - v + elementary::log<double>(v))) {
      return scale * d * v;
    }
  }
  return scale * d;
}

// Samples of shapes `alpha` as dense doubles on the CPU, none below `least`.
Tensor gamma_samples(PhiloxStream stream, const Tensor& alpha, double least) {
  const Tensor shapes = alpha.to(at::kCPU, at::kDouble).contiguous();
  Tensor samples = at::empty(shapes.sizes(), shapes.options());
  const double* shape = shapes.const_data_ptr<double>();
  fill<double>(samples, stream, [&](const lanes::Range& range, double* out) {
    for (int64_t i = 0; i < range.count; ++i) {
      const int64_t element = range.begin + i;
      out[i] = std::max(least, sample_gamma(stream, element, shape[element]));
    }
  });
  return samples;
}

// Each row of `samples` divided by its sum, kept inside (0, 1) of T.
template <typename T>
void normalize_rows(const Tensor& samples, int64_t width, T* out) {
  const T least = std::numeric_limits<T>::min();
  const T most = T(1) - std::numeric_limits<T>::epsilon() / 2;
  const double* sample = samples.const_data_ptr<double>();
  for (int64_t row = 0; row < samples.numel(); row += width) {
    double sum = 0;
    for (int64_t i = row; i < row + width; ++i) sum += sample[i];
    for (int64_t i = row; i < row + width; ++i) {
      out[i] = std::min(most, std::max(least, static_cast<T>(sample[i] / sum)));
    }
  }
}

}  // namespace

Tensor standard_gamma(PhiloxStream stream, Tensor self, NoGenerator) {
  Tensor drawn = at::empty(self.sizes(), self.options());
  AT_DISPATCH_FLOATING_TYPES(self.scalar_type(), "gamma_cpu", [&] {
    drawn.copy_(gamma_samples(stream, self, std::numeric_limits<scalar_t>::min()));
  });
  return drawn;
}

Tensor sample_dirichlet(PhiloxStream stream, Tensor self, NoGenerator) {
  Tensor drawn = at::empty(self.sizes(), self.options());
  AT_DISPATCH_FLOATING_TYPES(self.scalar_type(), "dirichlet", [&] {
    const Tensor samples = gamma_samples(stream, self, std::numeric_limits<double>::min());
    const Tensor dense = at::empty(self.sizes(), self.options().device(at::kCPU));
    if (dense.numel() == 0) return;
    const int64_t width = self.dim() ? self.size(-1) : 1;
    normalize_rows<scalar_t>(samples, width, dense.mutable_data_ptr<scalar_t>());
    drawn.copy_(dense);
  });
  return drawn;
}

}  // namespace moai::device
