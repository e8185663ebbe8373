#include <ATen/native/DistributionTemplates.h>
#include <ATen/ops/empty_like.h>

#include <limits>

#include "moai/device/aten/random/fill.h"
#include "moai/device/aten/random/operators.h"
#include "moai/device/aten/random/stream_generator.h"

namespace moai::device {
namespace {

namespace templates = at::native::templates;
using MaybeGenerator = std::optional<at::Generator>;

// from + [0, range); range 0 stands for 2^64.
template <typename T>
void fill_integer(const Tensor& tensor, PhiloxStream stream, uint64_t range, int64_t from) {
  fill<T>(tensor, stream, [&](const lanes::Range& elements, T* out) {
    lanes::Bits bits;
    lanes::draw(elements, bits);
    int64_t drawn[lanes::kMax];
    lanes::integer(bits, elements.count, range, from, drawn);
    for (int64_t i = 0; i < elements.count; ++i) out[i] = static_cast<T>(drawn[i]);
  });
}

template <typename>
struct RandomFromToKernel {
  void operator()(at::TensorIteratorBase& iter, uint64_t range, int64_t from,
                  MaybeGenerator generator) {
    AT_DISPATCH_V2(iter.dtype(), "random_from_to_kernel_cpu", AT_WRAP([&] {
                     fill_integer<scalar_t>(iter.tensor(0), stream_of(generator), range, from);
                   }),
                   AT_EXPAND(AT_ALL_TYPES), AT_EXPAND(AT_BAREBONES_UNSIGNED_TYPES), at::kBool,
                   at::kHalf, at::kBFloat16);
  }

  void operator()(at::TensorIteratorBase& iter, MaybeGenerator generator) {
    AT_DISPATCH_ALL_TYPES_AND(at::kBFloat16, iter.dtype(), "random_from_to_kernel_cpu", [&] {
      fill_integer<scalar_t>(iter.tensor(0), stream_of(generator), 0, 0);
    });
  }
};

// Every value of an integral type from 0 up; for the others all integers it holds exactly.
template <typename T>
constexpr uint64_t natural_range() {
  if constexpr (std::is_same_v<T, bool>) return 2;
  if constexpr (std::is_integral_v<T>) {
    return static_cast<uint64_t>(std::numeric_limits<T>::max()) + 1;
  }
  return (uint64_t{1} << std::numeric_limits<T>::digits) + 1;
}

template <typename>
struct RandomKernel {
  void operator()(at::TensorIteratorBase& iter, MaybeGenerator generator) {
    AT_DISPATCH_ALL_TYPES_AND3(at::kHalf, at::kBFloat16, at::kBool, iter.dtype(),
                               "random_kernel_cpu", [&] {
                                 fill_integer<scalar_t>(iter.tensor(0), stream_of(generator),
                                                        natural_range<scalar_t>(), 0);
                               });
  }
};

template <typename>
struct BernoulliScalarKernel {
  void operator()(const Tensor& self, double p, MaybeGenerator generator) {
    AT_DISPATCH_ALL_TYPES_AND3(
        at::kBool, at::kBFloat16, at::kHalf, self.scalar_type(), "bernoulli_scalar_cpu_", [&] {
          fill<scalar_t>(self, stream_of(generator), [&](const lanes::Range& range, scalar_t* out) {
            lanes::Bits bits;
            lanes::draw(range, bits);
            bool drawn[lanes::kMax];
            lanes::bernoulli(bits, range.count, p, drawn);
            for (int64_t i = 0; i < range.count; ++i) {
              out[i] = static_cast<scalar_t>(drawn[i]);
            }
          });
        });
  }
};

// The probabilities as double on the CPU, one for each element of `self`, in row-major order.
Tensor dense_probabilities(const Tensor& self, const Tensor& p) {
  Tensor dense;
  AT_DISPATCH_FLOATING_TYPES_AND2(
      at::kBFloat16, at::kHalf, p.scalar_type(), "bernoulli_tensor_cpu_p_",
      [&] { dense = p.expand(self.sizes()).to(at::kCPU, at::kDouble).contiguous(); });
  const double* values = dense.const_data_ptr<double>();
  for (int64_t i = 0; i < dense.numel(); ++i) {
    const double p_in = values[i];
    TORCH_CHECK(p_in >= 0 && p_in <= 1);
  }
  return dense;
}

template <typename>
struct BernoulliTensorKernel {
  void operator()(const Tensor& self, const Tensor& p, MaybeGenerator generator) {
    AT_DISPATCH_ALL_TYPES_AND3(
        at::kBool, at::kBFloat16, at::kHalf, self.scalar_type(), "bernoulli_tensor_cpu_self_", [&] {
          const Tensor dense = dense_probabilities(self, p);
          const double* probabilities = dense.const_data_ptr<double>();
          fill<scalar_t>(self, stream_of(generator), [&](const lanes::Range& range, scalar_t* out) {
            lanes::Bits bits;
            lanes::draw(range, bits);
            bool drawn[lanes::kMax];
            lanes::bernoulli(bits, range.count, probabilities + range.begin, drawn);
            for (int64_t i = 0; i < range.count; ++i) {
              out[i] = static_cast<scalar_t>(drawn[i]);
            }
          });
        });
  }
};

struct Unused {};

}  // namespace

Tensor random_(PhiloxStream stream, Tensor self, NoGenerator) {
  return templates::random_impl<RandomKernel, Unused>(self, make_stream_generator(stream));
}

Tensor random_from(PhiloxStream stream, Tensor self, int64_t from, std::optional<int64_t> to,
                   NoGenerator) {
  return templates::random_from_to_impl<RandomFromToKernel, Unused>(self, from, to,
                                                                    make_stream_generator(stream));
}

Tensor random_to(PhiloxStream stream, Tensor self, int64_t to, NoGenerator) {
  return random_from(stream, self, 0, to, {});
}

Tensor bernoulli_out(PhiloxStream stream, Tensor self, NoGenerator, Tensor out) {
  return templates::bernoulli_out_impl<BernoulliTensorKernel, Unused>(
      out, self, make_stream_generator(stream));
}

Tensor bernoulli(PhiloxStream stream, Tensor self, NoGenerator) {
  return bernoulli_out(stream, self, {}, at::empty_like(self, at::MemoryFormat::Contiguous));
}

Tensor bernoulli_p(PhiloxStream stream, Tensor self, double p, NoGenerator) {
  return bernoulli_float_(stream, at::empty_like(self, at::MemoryFormat::Contiguous), p, {});
}

Tensor bernoulli_float_(PhiloxStream stream, Tensor self, double p, NoGenerator) {
  return templates::bernoulli_impl_<BernoulliScalarKernel, Unused>(self, p,
                                                                   make_stream_generator(stream));
}

Tensor bernoulli_tensor_(PhiloxStream stream, Tensor self, Tensor p, NoGenerator) {
  return templates::bernoulli_impl_<BernoulliTensorKernel, Unused>(self, p,
                                                                   make_stream_generator(stream));
}

}  // namespace moai::device
