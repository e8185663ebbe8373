// Element by element, where torch has no structured kernel.
#include <ATen/WrapDimUtils.h>
#include <ATen/ops/clamp_meta_dispatch.h>
#include <ATen/ops/clamp_min_meta_dispatch.h>
#include <ATen/ops/div_meta_dispatch.h>
#include <ATen/ops/gelu_meta_dispatch.h>
#include <ATen/ops/result_type_native.h>

#include "moai/front/shape/meta_tensor.h"
#include "moai/front/shape/rows.h"

namespace moai::front::shape {
namespace {

namespace op = at::_ops;
using at::Scalar;
using at::Tensor;

Tensor same(const Tensor& self) { return pointwise(self, self.scalar_type()); }

Tensor meta(const Tensor& t) { return fresh(t.sizes(), t.strides(), t.scalar_type()); }

Tensor relu(const Tensor& self) {
  TORCH_CHECK(self.scalar_type() != at::kBool, "Boolean inputs not supported for relu");
  return at::meta::clamp_min(meta(self), 0);
}

Tensor hardtanh(const Tensor& self, const Scalar& low, const Scalar& high) {
  TORCH_CHECK(self.scalar_type() != at::kBool, "Bool inputs not supported for hardtanh");
  // Bounds of whole numbers are whole numbers.
  if (c10::isIntegralType(self.scalar_type(), false)) return same(self);
  return at::meta::clamp(meta(self), low, high);
}

Tensor gelu(const Tensor& self, std::string_view approximate) {
  TORCH_CHECK(approximate == "none" || approximate == "tanh",
              "approximate argument must be either none or tanh.");
  return at::meta::gelu(meta(self), approximate);
}

Tensor hardtanh_backward(const Tensor& grad, const Tensor& self, const Scalar&, const Scalar&) {
  return pointwise(grad, self, self.scalar_type());
}

Tensor with_gradient(const Tensor& grad, const Tensor& self) {
  return pointwise(grad, self, at::native::result_type(grad, self));
}

Tensor celu(const Tensor& self, const Scalar& alpha) {
  TORCH_CHECK(alpha.to<double>() != 0, "ZeroDivisionError: alpha cannot be 0 for CELU");
  return same(self);
}

std::tuple<Tensor, Tensor> log_sigmoid(const Tensor& self) {
  const Tensor result = fresh(self.sizes(), self.scalar_type());
  return {result, result};
}

Tensor log_sigmoid_backward(const Tensor& grad, const Tensor& self, const Tensor&) {
  return pointwise(self, grad, self.scalar_type());
}

Tensor prelu(const Tensor& self, const Tensor& weight) {
  return pointwise(self, weight, self.scalar_type());
}

std::tuple<Tensor, Tensor> prelu_backward(const Tensor& grad, const Tensor& self,
                                          const Tensor& weight) {
  const Tensor result = pointwise(self, weight, grad, self.scalar_type());
  return {result, result};
}

Tensor glu_backward(const Tensor&, const Tensor& self, int64_t dim) {
  at::maybe_wrap_dim(dim, self.dim());
  return fresh(self.sizes(), self.scalar_type());
}

Tensor& absolute_in_place(Tensor& self) {
  TORCH_CHECK(!self.is_complex(), "In-place abs is not supported for complex tensors.");
  return self;
}

Tensor absolute(const Tensor& self) {
  return pointwise(self, c10::toRealValueType(self.scalar_type()));
}

Tensor nan_to_num(const Tensor& self, std::optional<double>, std::optional<double>,
                  std::optional<double>) {
  return same(self);
}

Tensor is_nan(const Tensor& self) { return pointwise(self, at::kBool); }

Tensor logical(const Tensor& self, const Tensor& other) {
  return pointwise(self, other, at::kBool);
}

Tensor floor_divide(const Tensor& self, const Tensor& other) {
  const auto host_scalar = other.is_cpu() && other.dim() == 0;
  return at::meta::div(meta(self), host_scalar ? other : meta(other), "floor");
}

const Row kRows[] = {
    ours<op::relu>(relu),
    ours<op::gelu>(gelu),
    ours<op::hardtanh>(hardtanh),
    ours<op::hardtanh_backward>(hardtanh_backward),
    ours<op::hardswish>(same),
    ours<op::hardswish_backward>(with_gradient),
    ours<op::mish_backward>(with_gradient),
    ours<op::celu>(celu),
    ours<op::log_sigmoid_forward>(log_sigmoid),
    ours<op::log_sigmoid_backward>(log_sigmoid_backward),
    ours<op::_prelu_kernel>(prelu),
    ours<op::_prelu_kernel_backward>(prelu_backward),
    ours<op::glu_backward>(glu_backward),
    ours<op::abs>(absolute),
    ours<op::abs_>(absolute_in_place),
    ours<op::nan_to_num>(nan_to_num),
    ours<op::isnan>(is_nan),
    ours<op::logical_not>(is_nan),
    ours<op::logical_and>(logical),
    ours<op::logical_or>(logical),
    ours<op::logical_xor>(logical),
    ours<op::floor_divide>(floor_divide),
};

}  // namespace

std::span<const Row> pointwise_rows() { return kRows; }

}  // namespace moai::front::shape
