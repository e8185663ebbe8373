// Layers that draw: dropout and the randomized leaky rectifier.
#include <ATen/Dispatch.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/leaky_relu.h>
#include <ATen/ops/mul.h>
#include <ATen/ops/ones_like.h>
#include <ATen/ops/where.h>

#include "moai/device/aten/random/operators.h"

namespace moai::device {
namespace {

// Keeps an element with probability `keep`, scaled to keep the mean.
std::tuple<Tensor, Tensor> drop(PhiloxStream stream, const Tensor& input, double keep,
                                at::ScalarType mask_type) {
  const double scale = keep == 0 ? 0 : 1 / keep;
  Tensor mask = at::empty_like(input, input.options().dtype(mask_type));
  bernoulli_float_(stream, mask, keep, {});
  Tensor output = input.mul(mask).mul_(scale);
  return {std::move(output), std::move(mask)};
}

// Slopes for the elements that are not positive, 1 for the others; `noise` gets them.
void draw_noise(PhiloxStream stream, const Tensor& self, const Tensor& noise, double from,
                double to) {
  AT_DISPATCH_FLOATING_TYPES_AND2(at::kHalf, at::kBFloat16, self.scalar_type(),
                                  "rrelu_with_noise_out_cpu", [] {});
  TORCH_CHECK(noise.scalar_type() == self.scalar_type(), "expected scalar type ",
              self.scalar_type(), " but found ", noise.scalar_type());
  TORCH_CHECK(from <= to);
  const Tensor slopes = at::empty(self.sizes(), self.options());
  uniform_(stream, slopes, from, to, {});
  noise.copy_(at::where(self.le(0), slopes, 1));
}

}  // namespace

std::tuple<Tensor, Tensor> native_dropout(PhiloxStream stream, Tensor input, double p,
                                          std::optional<bool> train) {
  if (input.numel() == 0) return {input, at::empty_like(input)};
  if (train.value_or(true)) return drop(stream, input, 1 - p, at::kBool);
  return {input.clone(), at::ones_like(input, input.options().dtype(at::kBool))};
}

std::tuple<Tensor, Tensor> fused_dropout(PhiloxStream stream, Tensor self, double keep,
                                         NoGenerator) {
  return drop(stream, self, keep, at::kByte);
}

Tensor rrelu_with_noise_out(PhiloxStream stream, Tensor self, Tensor noise, at::Scalar lower,
                            at::Scalar upper, bool training, NoGenerator, Tensor out) {
  TORCH_CHECK(self.sizes() == noise.sizes(),
              "noise tensor shape must match self tensor shape. Got self.shape = ", self.sizes(),
              " noise.shape = ", noise.sizes());
  const double low = lower.toDouble(), high = upper.toDouble();
  if (!training) return at::leaky_relu_out(out, self, (low + high) / 2);
  draw_noise(stream, self, noise, low, high);
  return at::mul_out(out, self, noise);
}

Tensor rrelu_with_noise(PhiloxStream stream, Tensor self, Tensor noise, at::Scalar lower,
                        at::Scalar upper, bool training, NoGenerator) {
  return rrelu_with_noise_out(stream, self, noise, lower, upper, training, {},
                              at::empty_like(self, at::MemoryFormat::Contiguous));
}

Tensor rrelu_with_noise_(PhiloxStream stream, Tensor self, Tensor noise, at::Scalar lower,
                         at::Scalar upper, bool training, NoGenerator) {
  return rrelu_with_noise_out(stream, self, noise, lower, upper, training, {}, self);
}

std::tuple<Tensor, Tensor> rrelu_with_noise_functional(PhiloxStream stream, Tensor self,
                                                       Tensor noise, at::Scalar lower,
                                                       at::Scalar upper, bool training,
                                                       NoGenerator) {
  Tensor drawn = noise.clone();
  Tensor output = rrelu_with_noise(stream, self, drawn, lower, upper, training, {});
  return {std::move(output), std::move(drawn)};
}

}  // namespace moai::device
