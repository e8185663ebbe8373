#include "moai/worker/compiled/agreement.h"

#include <ATen/ops/equal.h>
#include <ATen/ops/isfinite.h>
#include <ATen/ops/nan_to_num.h>
#include <ATen/ops/view_as_real.h>
#include <ATen/ops/where.h>
#include <ATen/ops/zeros_like.h>

#include <cmath>
#include <cstdio>
#include <string>

namespace moai::worker {
namespace {

constexpr double kElementFactor = 100;

struct Tolerance {
  double absolute, relative;
};

Tolerance tolerance_of(at::ScalarType type) {
  if (type == at::kFloat || type == at::kComplexFloat) return {1e-5, 1.3e-4};
  if (type == at::kDouble || type == at::kComplexDouble) return {1e-12, 1e-9};
  return {1e-2, 1e-2};
}

std::string number(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.3g", value);
  return text;
}

double root_mean_square(const at::Tensor& t) {
  return t.numel() ? std::sqrt(t.square().mean().item<double>()) : 0;
}

}  // namespace

Status agreement(const at::Tensor& interpreted, const at::Tensor& compiled) {
  if (!interpreted.is_floating_point() && !interpreted.is_complex()) {
    return at::equal(interpreted, compiled) ? ok_status() : aborted("whole numbers differ");
  }
  if (interpreted.is_complex()) {
    return agreement(at::view_as_real(interpreted).flatten(), at::view_as_real(compiled).flatten());
  }
  const at::Tensor finite = at::isfinite(interpreted);
  const at::Tensor zeros = at::zeros_like(interpreted);
  // Infinities by their sign, what is no number by a third value.
  const auto kinds = [&](const at::Tensor& t) {
    return at::nan_to_num(at::where(at::isfinite(t), zeros, t), 2, 1, -1);
  };
  if (!at::equal(kinds(interpreted), kinds(compiled))) {
    return aborted("infinities, or what is no number, stand elsewhere");
  }
  const at::Tensor expected = at::where(finite, interpreted, zeros).to(at::kDouble);
  const at::Tensor difference =
      at::where(finite, compiled, zeros).to(at::kDouble).sub(expected).abs();
  const auto [absolute, relative] = tolerance_of(interpreted.scalar_type());
  const double off = root_mean_square(difference);
  const double allowed = absolute + relative * root_mean_square(expected);
  const at::Tensor excess =
      difference.sub(expected.abs().mul(relative).add(absolute), kElementFactor);
  const double worst = difference.numel() ? difference.max().item<double>() : 0;
  if (off <= allowed && (excess.numel() == 0 || excess.max().item<double>() <= 0)) {
    return ok_status();
  }
  return aborted("differs by " + number(off) + " in the mean, " + number(worst) +
                 " at most; allowed in the mean: " + number(allowed));
}

}  // namespace moai::worker
