#include <ATen/native/DistributionTemplates.h>

#include <limits>

#include "moai/device/aten/random/elementary.h"
#include "moai/device/aten/random/fill.h"
#include "moai/device/aten/random/operators.h"
#include "moai/device/aten/random/stream_generator.h"

namespace moai::device {
namespace {

namespace templates = at::native::templates;
using MaybeGenerator = std::optional<at::Generator>;

template <typename T>
void fill_uniform(const Tensor& tensor, PhiloxStream stream, T low, T high) {
  using Real = Wide<T>;
  const Real from = static_cast<Real>(low), to = static_cast<Real>(high);
  constexpr int kDigits = std::numeric_limits<T>::digits;
  // Narrowing may round up to the bound that is excluded. Rounding keeps order, so it does for some
  // value only if it does for the greatest.
  const Real greatest = (Real(1) - std::numeric_limits<T>::epsilon() / 2) * (to - from) + from;
  const bool rounds_up = !(static_cast<T>(greatest) < high);
  fill_real<T>(tensor, stream, [&](const lanes::Bits& bits, const lanes::Range& range, Real* out) {
    lanes::uniform(bits, range.count, kDigits, from, to, out);
    if (std::is_same_v<T, Real> || !rounds_up) return;
    for (int64_t i = 0; i < range.count; ++i) {
      if (!(static_cast<T>(out[i]) < high)) out[i] = from;
    }
  });
}

template <typename>
struct UniformKernel {
  void operator()(at::TensorIteratorBase& iter, double from, double to, MaybeGenerator generator) {
    AT_DISPATCH_FLOATING_TYPES_AND2(
        at::kHalf, at::kBFloat16, iter.dtype(), "uniform_kernel_cpu", [&] {
          fill_uniform<scalar_t>(iter.tensor(0), stream_of(generator), static_cast<scalar_t>(from),
                                 static_cast<scalar_t>(to));
        });
  }
};

template <typename>
struct ExponentialKernel {
  void operator()(at::TensorIteratorBase& iter, double lambda, MaybeGenerator generator) {
    TORCH_CHECK(at::isFloatingType(iter.dtype()),
                "Exponential distribution is a continuous probability distribution. "
                "dtype must be a floating point but you specified ",
                iter.dtype());
    AT_DISPATCH_FLOATING_TYPES_AND2(at::kHalf, at::kBFloat16, iter.dtype(), "exponential_cpu", [&] {
      const auto rate = static_cast<Wide<scalar_t>>(lambda);
      fill_real<scalar_t>(iter.tensor(0), stream_of(generator),
                          [&](const lanes::Bits& bits, const lanes::Range& range, auto* out) {
                            lanes::exponential(bits, range.count, out);
                            for (int64_t i = 0; i < range.count; ++i) out[i] /= rate;
                          });
    });
  }
};

// Draws `make(uniform in (0, 1))` in double, for distributions that are not worth their own loop.
template <typename T, typename Make>
void fill_from_unit(const Tensor& tensor, PhiloxStream stream, const Make& make) {
  fill<T>(tensor, stream, [&](const lanes::Range& range, T* out) {
    lanes::Bits bits;
    lanes::draw(range, bits);
    for (int64_t i = 0; i < range.count; ++i) {
      out[i] = make((static_cast<double>(bits.first[i] >> 12) + 0.5) * 0x1p-52);
    }
  });
}

template <typename>
struct CauchyKernel {
  void operator()(at::TensorIteratorBase& iter, double median, double sigma,
                  MaybeGenerator generator) {
    AT_DISPATCH_FLOATING_TYPES_AND2(at::kHalf, at::kBFloat16, iter.dtype(), "cauchy_cpu", [&] {
      fill_from_unit<scalar_t>(iter.tensor(0), stream_of(generator), [&](double unit) {
        // tan(pi (unit - 1/2)), turned by a quarter to stay in the first two quadrants.
        const auto [cosine, sine] = elementary::turn<double>(unit * 0.5);
        return static_cast<scalar_t>(median - sigma * (cosine / sine));
      });
    });
  }
};

template <typename>
struct LogNormalKernel {
  void operator()(at::TensorIteratorBase& iter, double mean, double std, MaybeGenerator generator) {
    AT_DISPATCH_FLOATING_TYPES_AND2(at::kHalf, at::kBFloat16, iter.dtype(), "log_normal_cpu", [&] {
      fill<scalar_t>(iter.tensor(0), stream_of(generator),
                     [&](const lanes::Range& range, scalar_t* out) {
                       lanes::Bits bits;
                       lanes::draw(range, bits);
                       double exponent[lanes::kMax];
                       lanes::normal(bits, range.count, mean, std, exponent);
                       for (int64_t i = 0; i < range.count; ++i) {
                         out[i] = static_cast<scalar_t>(elementary::exp(exponent[i]));
                       }
                     });
    });
  }
};

// The number of trials up to the first success; the type's greatest value where it is larger.
template <typename>
struct GeometricKernel {
  void operator()(at::TensorIteratorBase& iter, double p, MaybeGenerator generator) {
    AT_DISPATCH_ALL_TYPES_AND2(at::kBFloat16, at::kHalf, iter.dtype(), "geometric_cpu", [&] {
      const double log_failure = elementary::log_complement(p);
      const double most = static_cast<double>(std::numeric_limits<scalar_t>::max());
      fill_from_unit<scalar_t>(iter.tensor(0), stream_of(generator), [&](double unit) {
        const double trials = std::max(1.0, std::ceil(elementary::log<double>(unit) / log_failure));
        return trials < most ? static_cast<scalar_t>(trials) : std::numeric_limits<scalar_t>::max();
      });
    });
  }
};

struct Unused {};

}  // namespace

Tensor uniform_(PhiloxStream stream, Tensor self, double from, double to, NoGenerator) {
  return templates::uniform_impl_<UniformKernel, Unused>(self, from, to,
                                                         make_stream_generator(stream));
}

Tensor exponential_(PhiloxStream stream, Tensor self, double lambd, NoGenerator) {
  return templates::exponential_impl_<ExponentialKernel, Unused>(self, lambd,
                                                                 make_stream_generator(stream));
}

Tensor cauchy_(PhiloxStream stream, Tensor self, double median, double sigma, NoGenerator) {
  return templates::cauchy_impl_<CauchyKernel, Unused>(self, median, sigma,
                                                       make_stream_generator(stream));
}

Tensor log_normal_(PhiloxStream stream, Tensor self, double mean, double std, NoGenerator) {
  return templates::log_normal_impl_<LogNormalKernel, Unused>(self, mean, std,
                                                              make_stream_generator(stream));
}

Tensor geometric_(PhiloxStream stream, Tensor self, double p, NoGenerator) {
  return templates::geometric_impl_<GeometricKernel, Unused>(self, p,
                                                             make_stream_generator(stream));
}

}  // namespace moai::device
