// Products of which torch checks more in the kernel than in its shape function.
#include <ATen/ExpandUtils.h>
#include <ATen/native/GroupedMMUtils.h>
#include <ATen/ops/addmm_meta_dispatch.h>
#include <ATen/ops/bmm_meta_dispatch.h>
#include <ATen/ops/mm_meta_dispatch.h>

#include "moai/front/shape/meta_tensor.h"
#include "moai/front/shape/rows.h"

namespace moai::front::shape {
namespace {

namespace op = at::_ops;
using at::Tensor;

Tensor mm(const Tensor& a, const Tensor& b) {
  Tensor result = at::meta::mm(meta_of(a), meta_of(b));
  TORCH_CHECK(a.dtype() == b.dtype(),
              "expected m1 and m2 to have the same dtype, but got: ", a.dtype(), " != ", b.dtype());
  return result;
}

Tensor addmm(const Tensor& bias, const Tensor& a, const Tensor& b, const at::Scalar& beta,
             const at::Scalar& alpha) {
  Tensor result = at::meta::addmm(meta_of(bias), meta_of(a), meta_of(b), beta, alpha);
  if (bias.sizes() != result.sizes()) {
    at::inferExpandGeometry_dimvector(bias.sizes(), bias.strides(), result.sizes());
  }
  return result;
}

Tensor dot(const Tensor& self, const Tensor& other) {
  TORCH_CHECK(self.dim() == 1 && other.dim() == 1, "1D tensors expected, but got ", self.dim(),
              "D and ", other.dim(), "D tensors");
  TORCH_CHECK(self.scalar_type() == other.scalar_type(),
              "dot : expected both vectors to have same dtype, but found ", self.scalar_type(),
              " and ", other.scalar_type());
  TORCH_CHECK(self.numel() == other.numel(), "inconsistent tensor size, expected tensor [",
              self.numel(), "] and src [", other.numel(),
              "] to have the same number of elements, but got ", self.numel(), " and ",
              other.numel(), " elements respectively");
  return fresh({}, self.scalar_type());
}

Tensor matrix_by_vector(const Tensor& self, const Tensor& vector) {
  TORCH_CHECK(self.dim() == 2 && vector.dim() == 1, "vector + matrix @ vector expected, got 1, ",
              self.dim(), ", ", vector.dim());
  TORCH_CHECK(self.size(1) == vector.size(0), "size mismatch, got input (", self.size(0),
              "), mat (", self.size(0), "x", self.size(1), "), vec (", vector.size(0), ")");
  return fresh({self.size(0)}, vector.scalar_type());
}

Tensor mm_to(const Tensor& a, const Tensor& b, c10::ScalarType type) {
  return fresh(at::meta::mm(meta_of(a), meta_of(b)).sizes(), type);
}

Tensor addmm_to(const Tensor& bias, const Tensor& a, const Tensor& b, c10::ScalarType type,
                const at::Scalar& beta, const at::Scalar& alpha) {
  return fresh(at::meta::addmm(meta_of(bias), meta_of(a), meta_of(b), beta, alpha).sizes(), type);
}

Tensor bmm_to(const Tensor& a, const Tensor& b, c10::ScalarType type) {
  return fresh(at::meta::bmm(meta_of(a), meta_of(b)).sizes(), type);
}

// Rows of the result begin at 16 bytes, so it may have gaps.
Tensor grouped_mm(const Tensor& self, const Tensor& other, const std::optional<Tensor>& offsets,
                  const std::optional<Tensor>& bias, std::optional<c10::ScalarType> dtype) {
  const Tensor a = meta_of(self), b = meta_of(other);
  at::native::_grouped_mm_validate_inputs(a, b, offsets, bias, dtype);
  const auto type = at::native::_resolve_grouped_mm_out_dtype(a, b, dtype);
  const int64_t groups = offsets ? offsets->size(0) : a.size(0);
  for (const Tensor& t : {a, b}) {
    TORCH_CHECK(t.dim() == 2 || t.size(0) == groups,
                offsets ? "matrix batch sizes have to match" : "batched dimension has to match");
  }
  const int64_t rows = a.size(-2), columns = b.size(-1);
  const auto step = static_cast<int64_t>(16 / c10::elementSize(type));
  const int64_t padded = (columns + step - 1) / step * step;
  if (a.dim() != b.dim()) return fresh({rows, columns}, {padded, 1}, type);
  return fresh({groups, rows, columns}, {rows * padded, padded, 1}, type);
}

const Row kRows[] = {
    ours<op::_grouped_mm>(grouped_mm),
    ours<op::mm>(mm),
    ours<op::mm_dtype>(mm_to),
    ours<op::bmm_dtype>(bmm_to),
    ours<op::addmm_dtype>(addmm_to),
    ours<op::addmm>(addmm),
    ours<op::dot>(dot),
    ours<op::mv>(matrix_by_vector),
};

}  // namespace

std::span<const Row> product_rows() { return kRows; }

}  // namespace moai::front::shape
