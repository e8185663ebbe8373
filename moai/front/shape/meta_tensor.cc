#include "moai/front/shape/meta_tensor.h"

#include <ATen/EmptyTensor.h>
#include <ATen/ExpandUtils.h>
#include <ATen/ScalarOps.h>
#include <ATen/ops/addcmul_meta_dispatch.h>
#include <ATen/ops/eq_meta_dispatch.h>

namespace moai::front::shape {
namespace {

using c10::IValue;

// Only the order of dimensions matters for a result's strides, not the operand's type.
at::Tensor as_float(const at::Tensor& t) { return fresh(t.sizes(), t.strides(), at::kFloat); }

at::Tensor typed(const at::Tensor& geometry, c10::ScalarType dtype) {
  if (geometry.scalar_type() == dtype) return geometry;
  return fresh(geometry.sizes(), geometry.strides(), dtype);
}

}  // namespace

at::Tensor meta_of(const at::Tensor& t) {
  if (!t.defined() || (t.is_cpu() && t.dim() == 0)) return t;
  at::Tensor m = at::detail::empty_strided_meta(t.sizes(), t.strides(), t.scalar_type());
  if (t.storage_offset() != 0) {
    m.unsafeGetTensorImpl()->set_storage_offset(t.storage_offset());
    const size_t bytes =
        at::detail::computeStorageNbytes(t.sizes(), t.strides(), t.itemsize(), t.storage_offset());
    if (m.storage().nbytes() < bytes) m.storage().set_nbytes(bytes);
  }
  if (t.unsafeGetTensorImpl()->is_wrapped_number()) {
    m.unsafeGetTensorImpl()->set_wrapped_number(true);
  }
  m._set_conj(t.is_conj());
  m._set_neg(t.is_neg());
  return m;
}

IValue meta_of(const IValue& v) {
  if (v.isTensor()) return meta_of(v.toTensor());
  if (v.isTensorList()) {
    std::vector<at::Tensor> metas;
    for (const IValue& item : v.toListRef()) metas.push_back(meta_of(item.toTensor()));
    return metas;
  }
  if (v.isDevice()) return c10::Device(at::kMeta);
  if (v.isGenerator()) return {};
  if (!v.isList() || v.isIntList() || v.isDoubleList() || v.isBoolList()) return v;
  const c10::List<IValue> items = v.toList();
  c10::impl::GenericList metas(items.elementType());
  for (const IValue& item : v.toListRef()) metas.push_back(meta_of(item));
  return metas;
}

at::Tensor fresh(at::IntArrayRef sizes, c10::ScalarType dtype, c10::MemoryFormat format) {
  return at::detail::empty_meta(sizes, dtype, format);
}

at::Tensor fresh(at::IntArrayRef sizes, at::IntArrayRef strides, c10::ScalarType dtype) {
  return at::detail::empty_strided_meta(sizes, strides, dtype);
}

at::Tensor like(const at::Tensor& t, c10::ScalarType dtype) {
  if (t.is_non_overlapping_and_dense()) return fresh(t.sizes(), t.strides(), dtype);
  return fresh(t.sizes(), at::infer_dense_strides(t.sizes(), t.strides()), dtype);
}

at::Tensor like(const at::Tensor& t) { return like(t, t.scalar_type()); }

at::Tensor pointwise(const at::Tensor& a, c10::ScalarType dtype) {
  if (a.is_non_overlapping_and_dense()) return fresh(a.sizes(), a.strides(), dtype);
  return pointwise(a, a, dtype);
}

at::Tensor pointwise(const at::Tensor& a, const at::Tensor& b, c10::ScalarType dtype) {
  return typed(at::meta::eq(as_float(a), as_float(b)), dtype);
}

at::Tensor pointwise(const at::Tensor& a, const at::Tensor& b, const at::Tensor& c,
                     c10::ScalarType dtype) {
  return typed(at::meta::addcmul(as_float(a), as_float(b), as_float(c)), dtype);
}

void check_fits(const at::Tensor& written, const at::Tensor& operand) {
  if (operand.sizes() == written.sizes()) return;
  const auto sizes = at::infer_size(written.sizes(), operand.sizes());
  TORCH_CHECK(at::IntArrayRef(sizes) == written.sizes(), "output with shape ", written.sizes(),
              " doesn't match the broadcast shape ", at::IntArrayRef(sizes));
}

at::Tensor operand(const at::Scalar& number) {
  at::Tensor t = c10::scalar_to_tensor(number);
  t.unsafeGetTensorImpl()->set_wrapped_number(true);
  return t;
}

}  // namespace moai::front::shape
