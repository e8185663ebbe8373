#include <ATen/native/DistributionTemplates.h>

#include "moai/device/aten/random/fill.h"
#include "moai/device/aten/random/operators.h"
#include "moai/device/aten/random/stream_generator.h"

namespace moai::device {
namespace {

namespace templates = at::native::templates;

template <typename>
struct NormalKernel {
  void operator()(const Tensor& self, double mean, double std,
                  std::optional<at::Generator> generator) {
    AT_DISPATCH_FLOATING_TYPES_AND2(
        at::kHalf, at::kBFloat16, self.scalar_type(), "normal_kernel_cpu", [&] {
          using Real = Wide<scalar_t>;
          fill_real<scalar_t>(self, stream_of(generator),
                              [&](const lanes::Bits& bits, const lanes::Range& range, Real* out) {
                                lanes::normal(bits, range.count, static_cast<Real>(mean),
                                              static_cast<Real>(std), out);
                              });
        });
  }
};

struct Unused {};

template <typename Mean, typename Std>
Tensor normal(PhiloxStream stream, const Mean& mean, const Std& std) {
  return templates::normal_impl<NormalKernel, Unused>(mean, std, make_stream_generator(stream));
}

template <typename Mean, typename Std>
Tensor normal_out(PhiloxStream stream, const Mean& mean, const Std& std, Tensor& out) {
  return templates::normal_out_impl<NormalKernel, Unused>(out, mean, std,
                                                          make_stream_generator(stream));
}

}  // namespace

Tensor normal_(PhiloxStream stream, Tensor self, double mean, double std, NoGenerator) {
  return templates::normal_impl_<NormalKernel, Unused>(self, mean, std,
                                                       make_stream_generator(stream));
}

Tensor normal_tensor_float(PhiloxStream stream, Tensor mean, double std, NoGenerator) {
  return normal(stream, mean, std);
}

Tensor normal_float_tensor(PhiloxStream stream, double mean, Tensor std, NoGenerator) {
  return normal(stream, mean, std);
}

Tensor normal_tensor_tensor(PhiloxStream stream, Tensor mean, Tensor std, NoGenerator) {
  return normal(stream, mean, std);
}

Tensor normal_tensor_float_out(PhiloxStream stream, Tensor mean, double std, NoGenerator,
                               Tensor out) {
  return normal_out(stream, mean, std, out);
}

Tensor normal_float_tensor_out(PhiloxStream stream, double mean, Tensor std, NoGenerator,
                               Tensor out) {
  return normal_out(stream, mean, std, out);
}

Tensor normal_tensor_tensor_out(PhiloxStream stream, Tensor mean, Tensor std, NoGenerator,
                                Tensor out) {
  return normal_out(stream, mean, std, out);
}

}  // namespace moai::device
