// Operators that draw counts: Poisson and binomial. Small means by inversion of one number, large
// ones by transformed rejection.
//
// W. Hörmann, "The transformed rejection method for generating Poisson random variables", 1993
// (PTRS); "The generation of binomial random variates", 1993 (BTRS).
#include <ATen/Dispatch.h>
#include <ATen/ExpandUtils.h>
#include <ATen/ops/empty.h>

#include "moai/device/aten/random/element_draws.h"
#include "moai/device/aten/random/fill.h"
#include "moai/device/aten/random/operators.h"

namespace moai::device {
namespace {

constexpr double kInversionMost = 10;

// log(k!)
double log_factorial(double k) {
  if (k < 10) {
    double product = 1;
    for (double factor = 2; factor <= k; ++factor) product *= factor;
    return elementary::log<double>(product);
  }
  constexpr double kHalfLog2Pi = 0.918938533204672741780329736406;
  const double square = 1 / (k * k);
  const double correction = (1.0 / 12 - (1.0 / 360 - square / 1260) * square) / k;
  return (k + 0.5) * elementary::log<double>(k) - k + kHalfLog2Pi + correction;
}

double small_poisson(ElementDraws* draws, double rate) {
  const double drawn = draws->unit();
  double probability = elementary::exp(-rate), below = probability, count = 0;
  while (drawn > below && probability > 0) {
    probability *= rate / ++count;
    below += probability;
  }
  return count;
}

double large_poisson(ElementDraws* draws, double rate) {
  const double b = 0.931 + 2.53 * std::sqrt(rate), a = -0.059 + 0.02483 * b;
  const double scale = 1.1239 + 1.1328 / (b - 3.4), accepted = 0.9277 - 3.6224 / (b - 2);
  const double log_rate = elementary::log<double>(rate);
  while (!draws->exhausted()) {
    const double u = draws->unit() - 0.5, v = draws->unit();
    const double us = 0.5 - std::fabs(u);
    const double count = std::floor((2 * a / us + b) * u + rate + 0.43);
    if (us >= 0.07 && v <= accepted) return count;
    if (count < 0 || (us < 0.013 && v > us)) continue;
    if (elementary::log<double>(v * scale / (a / (us * us) + b)) <=
        count * log_rate - rate - log_factorial(count)) {
      return count;
    }
  }
  return std::floor(rate);
}

double sample_poisson(PhiloxStream stream, int64_t element, double rate) {
  TORCH_CHECK(rate >= 0, "invalid Poisson rate, expected rate to be non-negative");
  if (rate == 0) return 0;
  ElementDraws draws(stream, element);
  return rate < kInversionMost ? small_poisson(&draws, rate) : large_poisson(&draws, rate);
}

double small_binomial(ElementDraws* draws, double count, double p) {
  const double drawn = draws->unit(), odds = p / (1 - p);
  double probability = elementary::exp(count * elementary::log_complement(p));
  double below = probability, successes = 0;
  while (drawn > below && successes < count) {
    probability *= odds * (count - successes) / (successes + 1);
    ++successes;
    below += probability;
  }
  return successes;
}

double large_binomial(ElementDraws* draws, double count, double p) {
  const double deviation = std::sqrt(count * p * (1 - p));
  const double b = 1.15 + 2.53 * deviation, a = -0.0873 + 0.0248 * b + 0.01 * p;
  const double c = count * p + 0.5, accepted = 0.92 - 4.2 / b;
  const double alpha = (2.83 + 5.1 / b) * deviation;
  const double log_odds = elementary::log<double>(p / (1 - p));
  const double mode = std::floor((count + 1) * p);
  const double at_mode = log_factorial(mode) + log_factorial(count - mode);
  while (!draws->exhausted()) {
    const double u = draws->unit() - 0.5, v = draws->unit();
    const double us = 0.5 - std::fabs(u);
    const double successes = std::floor((2 * a / us + b) * u + c);
    if (us >= 0.07 && v <= accepted) return successes;
    if (successes < 0 || successes > count) continue;
    if (elementary::log<double>(v * alpha / (a / (us * us) + b)) <=
        at_mode - log_factorial(successes) - log_factorial(count - successes) +
            (successes - mode) * log_odds) {
      return successes;
    }
  }
  return mode;
}

double sample_binomial(PhiloxStream stream, int64_t element, double count, double p) {
  if (count != count || p != p) return std::nan("");
  if (count <= 0 || p <= 0) return 0;
  if (p >= 1) return count;
  ElementDraws draws(stream, element);
  const double rarer = p <= 0.5 ? p : 1 - p;
  const double drawn = count * rarer < kInversionMost ? small_binomial(&draws, count, rarer)
                                                      : large_binomial(&draws, count, rarer);
  return p <= 0.5 ? drawn : count - drawn;
}

Tensor doubles(const Tensor& t) { return t.to(at::kCPU, at::kDouble).contiguous(); }

}  // namespace

Tensor poisson(PhiloxStream stream, Tensor self, NoGenerator) {
  Tensor drawn = at::empty(self.sizes(), self.options());
  AT_DISPATCH_FLOATING_TYPES_AND2(at::kHalf, at::kBFloat16, self.scalar_type(), "poisson_cpu", [&] {
    const Tensor rates = doubles(self);
    const double* rate = rates.const_data_ptr<double>();
    fill<scalar_t>(drawn, stream, [&](const lanes::Range& range, scalar_t* out) {
      for (int64_t i = 0; i < range.count; ++i) {
        const int64_t element = range.begin + i;
        out[i] = static_cast<scalar_t>(sample_poisson(stream, element, rate[element]));
      }
    });
  });
  return drawn;
}

Tensor binomial(PhiloxStream stream, Tensor count, Tensor prob, NoGenerator) {
  TORCH_CHECK(count.scalar_type() == prob.scalar_type(), "expected scalar type ",
              count.scalar_type(), " but found ", prob.scalar_type());
  Tensor drawn = at::empty(at::infer_size(count.sizes(), prob.sizes()), count.options());
  AT_DISPATCH_FLOATING_TYPES_AND2(
      at::kHalf, at::kBFloat16, count.scalar_type(), "binomial_cpu", [&] {
        const Tensor counts = doubles(count.expand(drawn.sizes()));
        const Tensor shares = doubles(prob.expand(drawn.sizes()));
        const double* n = counts.const_data_ptr<double>();
        const double* p = shares.const_data_ptr<double>();
        fill<scalar_t>(drawn, stream, [&](const lanes::Range& range, scalar_t* out) {
          for (int64_t i = 0; i < range.count; ++i) {
            const int64_t element = range.begin + i;
            out[i] =
                static_cast<scalar_t>(sample_binomial(stream, element, n[element], p[element]));
          }
        });
      });
  return drawn;
}

}  // namespace moai::device
