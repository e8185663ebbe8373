// Meta tensors: geometry without memory, the currency of shape functions.
#pragma once

#include "moai/front/torch_headers.h"

namespace moai::front::shape {

// What a shape function sees of `t`; host scalars and undefined tensors are passed as they are.
at::Tensor meta_of(const at::Tensor& t);
c10::IValue meta_of(const c10::IValue& v);

// Results.
at::Tensor fresh(at::IntArrayRef sizes, c10::ScalarType dtype,
                 c10::MemoryFormat format = c10::MemoryFormat::Contiguous);
at::Tensor fresh(at::IntArrayRef sizes, at::IntArrayRef strides, c10::ScalarType dtype);

// As empty_like makes it: dense, in the order of t's dimensions.
at::Tensor like(const at::Tensor& t, c10::ScalarType dtype);
at::Tensor like(const at::Tensor& t);

// The result of an operator that goes over its broadcast operands element by element. Raises
// torch's text when they do not fit.
at::Tensor pointwise(const at::Tensor& a, c10::ScalarType dtype);
at::Tensor pointwise(const at::Tensor& a, const at::Tensor& b, c10::ScalarType dtype);
at::Tensor pointwise(const at::Tensor& a, const at::Tensor& b, const at::Tensor& c,
                     c10::ScalarType dtype);

// Raises torch's text unless `operand` expands to the shape of `written`.
void check_fits(const at::Tensor& written, const at::Tensor& operand);

// `number` as an operand whose type yields to the tensor's.
at::Tensor operand(const at::Scalar& number);

}  // namespace moai::front::shape
