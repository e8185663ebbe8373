// Overloads that take a number where the structured one takes a tensor.
#include <ATen/MetaFunctions.h>

#include "moai/front/shape/meta_tensor.h"
#include "moai/front/shape/rows.h"

namespace moai::front::shape {
namespace {

namespace op = at::_ops;
using at::Scalar;
using at::Tensor;
using Rounding = std::optional<std::string_view>;

Tensor meta(const Tensor& t) { return fresh(t.sizes(), t.strides(), t.scalar_type()); }

Tensor add(const Tensor& self, const Scalar& other, const Scalar& alpha) {
  return at::meta::add(meta(self), operand(other), alpha);
}
Tensor sub(const Tensor& self, const Scalar& other, const Scalar& alpha) {
  return at::meta::sub(meta(self), operand(other), alpha);
}
Tensor reverse_sub(const Tensor& self, const Scalar& other, const Scalar& alpha) {
  return at::meta::sub(operand(other), meta(self), alpha);
}
Tensor reverse_sub_tensor(const Tensor& self, const Tensor& other, const Scalar& alpha) {
  const bool host_scalar = other.is_cpu() && other.dim() == 0;
  return at::meta::sub(host_scalar ? other : meta(other), meta(self), alpha);
}
Tensor mul(const Tensor& self, const Scalar& other) {
  return at::meta::mul(meta(self), operand(other));
}
Tensor div(const Tensor& self, const Scalar& other) {
  return at::meta::div(meta(self), operand(other));
}
Tensor div_rounded(const Tensor& self, const Scalar& other, Rounding rounding) {
  return at::meta::div(meta(self), operand(other), rounding);
}
Tensor floor_divide(const Tensor& self, const Scalar& other) {
  return at::meta::div(meta(self), operand(other), "floor");
}
Tensor remainder(const Tensor& self, const Scalar& other) {
  return at::meta::remainder(meta(self), operand(other));
}
Tensor fmod(const Tensor& self, const Scalar& other) {
  return at::meta::fmod(meta(self), operand(other));
}
Tensor bitwise_and(const Tensor& self, const Scalar& other) {
  return at::meta::bitwise_and(meta(self), operand(other));
}
Tensor bitwise_or(const Tensor& self, const Scalar& other) {
  return at::meta::bitwise_or(meta(self), operand(other));
}
Tensor bitwise_xor(const Tensor& self, const Scalar& other) {
  return at::meta::bitwise_xor(meta(self), operand(other));
}

// In place: the result's type must fit into self's, its size does not change.
Tensor& add_in_place(Tensor& self, const Scalar& other, const Scalar& alpha) {
  Tensor m = meta(self);
  at::meta::add_(m, operand(other), alpha);
  return self;
}
Tensor& sub_in_place(Tensor& self, const Scalar& other, const Scalar& alpha) {
  Tensor m = meta(self);
  at::meta::sub_(m, operand(other), alpha);
  return self;
}
Tensor& mul_in_place(Tensor& self, const Scalar& other) {
  Tensor m = meta(self);
  at::meta::mul_(m, operand(other));
  return self;
}
Tensor& div_in_place(Tensor& self, const Scalar& other) {
  Tensor m = meta(self);
  at::meta::div_(m, operand(other));
  return self;
}
Tensor& remainder_in_place(Tensor& self, const Scalar& other) {
  Tensor m = meta(self);
  at::meta::remainder_(m, operand(other));
  return self;
}

const Row kRows[] = {
    ours<op::add_Scalar>(add),
    ours<op::sub_Scalar>(sub),
    ours<op::rsub_Scalar>(reverse_sub),
    ours<op::rsub_Tensor>(reverse_sub_tensor),
    ours<op::mul_Scalar>(mul),
    ours<op::div_Scalar>(div),
    ours<op::div_Scalar_mode>(div_rounded),
    ours<op::floor_divide_Scalar>(floor_divide),
    ours<op::remainder_Scalar>(remainder),
    ours<op::fmod_Scalar>(fmod),
    ours<op::bitwise_and_Scalar>(bitwise_and),
    ours<op::bitwise_or_Scalar>(bitwise_or),
    ours<op::bitwise_xor_Scalar>(bitwise_xor),
    ours<op::add__Scalar>(add_in_place),
    ours<op::sub__Scalar>(sub_in_place),
    ours<op::mul__Scalar>(mul_in_place),
    ours<op::div__Scalar>(div_in_place),
    ours<op::remainder__Scalar>(remainder_in_place),
};

}  // namespace

std::span<const Row> scalar_rows() { return kRows; }

}  // namespace moai::front::shape
