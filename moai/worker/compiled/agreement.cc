#include "moai/worker/compiled/agreement.h"

#include <ATen/ops/equal.h>
#include <ATen/ops/isfinite.h>
#include <ATen/ops/nan_to_num.h>
#include <ATen/ops/rand.h>
#include <ATen/ops/view_as_real.h>
#include <ATen/ops/where.h>
#include <ATen/ops/zeros_like.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <string>

namespace moai::worker {
namespace {

constexpr double kElementFactor = 100;
constexpr double kChangeRatioMax = 0.02;
constexpr double kDifferingShareMax = 0.001;
constexpr double kNoiseFactor = 4;

struct Tolerance {
  double absolute, relative;
};

Tolerance tolerance_of(at::ScalarType type) {
  if (type == at::kFloat || type == at::kComplexFloat) return {1e-5, 1.3e-4};
  if (type == at::kDouble || type == at::kComplexDouble) return {1e-12, 1e-9};
  return {1e-2, 1e-2};
}

double epsilon_of(at::ScalarType type) {
  if (type == at::kFloat) return 1.2e-7;
  if (type == at::kDouble) return 2.2e-16;
  return type == at::kHalf ? 9.8e-4 : 7.8e-3;
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

at::Tensor moved(const at::Tensor& values, at::Generator& generator) {
  const at::ScalarType type = values.scalar_type();
  if (!values.is_floating_point()) return values.clone();
  const double by = epsilon_of(type) * (at::elementSize(type) > 2 ? 4 : 0.5);
  const at::Tensor ups = at::rand(values.sizes(), generator, at::kDouble).gt(0.5).to(at::kDouble);
  return values.to(at::kDouble).mul(ups.mul(2 * by).add(1 - by)).to(type);
}

Noise Noise::operator|(const Noise& other) const {
  return {std::max(mean, other.mean), std::max(most, other.most)};
}

Noise noise_of(const at::Tensor& computed, const at::Tensor& moved) {
  if (computed.is_complex()) {
    return noise_of(at::view_as_real(computed).flatten(), at::view_as_real(moved).flatten());
  }
  if (!computed.is_floating_point() || computed.numel() == 0) return {};
  const at::Tensor by = moved.to(at::kDouble).sub(computed.to(at::kDouble)).abs();
  const at::Tensor finite = at::where(at::isfinite(by), by, at::zeros_like(by));
  return {root_mean_square(finite), finite.max().item<double>()};
}

Status agreement(const at::Tensor& interpreted, const at::Tensor& compiled, const Noise& noise) {
  if (!interpreted.is_floating_point() && !interpreted.is_complex()) {
    return at::equal(interpreted, compiled) ? ok_status() : aborted("whole numbers differ");
  }
  if (interpreted.is_complex()) {
    return agreement(at::view_as_real(interpreted).flatten(), at::view_as_real(compiled).flatten(),
                     noise);
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
  const double allowed =
      absolute + relative * root_mean_square(expected) + kNoiseFactor * noise.mean;
  const at::Tensor excess =
      difference.sub(expected.abs().mul(relative).add(absolute), kElementFactor);
  const double worst = difference.numel() ? difference.max().item<double>() : 0;
  if (off <= allowed &&
      (excess.numel() == 0 || excess.max().item<double>() <= kNoiseFactor * noise.most)) {
    return ok_status();
  }
  return aborted("differs by " + number(off) + " in the mean, " + number(worst) +
                 " at most; allowed in the mean: " + number(allowed));
}

void Changes::add(const at::Tensor& before, const at::Tensor& interpreted,
                  const at::Tensor& compiled, const Noise& noise) {
  if (!interpreted.is_floating_point() || interpreted.numel() == 0) return;
  elements_ += interpreted.numel();
  at::Tensor change = interpreted.to(at::kDouble);
  if (before.defined()) change = change.sub(before.to(at::kDouble));
  at::Tensor difference = compiled.to(at::kDouble).sub(interpreted.to(at::kDouble));
  const at::Tensor finite = at::isfinite(change).logical_and(at::isfinite(difference));
  const at::Tensor zeros = at::zeros_like(change);
  // A change can be no finer than the numbers themselves.
  const double grain = root_mean_square(at::where(finite, interpreted.to(at::kDouble), zeros)) *
                       epsilon_of(interpreted.scalar_type());
  const double changed = root_mean_square(at::where(finite, change, zeros));
  const double off = root_mean_square(at::where(finite, difference, zeros));
  if (off <= kChangeRatioMax * changed + grain + kNoiseFactor * noise.mean) return;
  differing_ += interpreted.numel();
  if (interpreted.numel() < largest_) return;
  largest_ = interpreted.numel();
  worst_ = changed > 0 ? off / changed : 1;
}

Status Changes::agreement() const {
  const double share =
      elements_ ? static_cast<double>(differing_) / static_cast<double>(elements_) : 0;
  if (share <= kDifferingShareMax) return ok_status();
  return aborted("what it changes differs by " + number(100 * worst_) + " %, in " +
                 number(100 * share) + " % of all elements");
}

}  // namespace moai::worker
