#include "moai/front/capture/views.h"

#include <ATen/EmptyTensor.h>
#include <ATen/InferSize.h>
#include <ATen/TensorUtils.h>
#include <ATen/native/Resize.h>

#include "moai/front/device/device_type.h"
#include "moai/front/device/memory.h"

namespace moai::front {
namespace {

c10::DispatchKeySet dense_keys() { return c10::DispatchKeySet(device_kind().dense); }

void check_ordinal(std::optional<c10::Device> device) {
  TORCH_CHECK(!device || device->index() <= 0, device_kind().title,
              " error: invalid device ordinal");
}

uint64_t bytes_needed(const at::Tensor& t) {
  return at::detail::computeStorageNbytes(t.sizes(), t.strides(), t.itemsize(),
                                          static_cast<size_t>(t.storage_offset()));
}

at::Tensor view_of(const at::Tensor& self, at::IntArrayRef sizes, at::IntArrayRef strides,
                   int64_t offset) {
  at::Tensor t = at::detail::make_tensor<c10::TensorImpl>(
      c10::TensorImpl::VIEW, c10::Storage(self.storage()), self.key_set(), self.dtype());
  t.unsafeGetTensorImpl()->set_sizes_and_strides(sizes, strides, offset);
  return t;
}

}  // namespace

at::Tensor empty(c10::SymIntArrayRef sizes, std::optional<c10::ScalarType> dtype,
                 std::optional<c10::Layout>, std::optional<c10::Device> device, std::optional<bool>,
                 std::optional<c10::MemoryFormat> format) {
  check_ordinal(device);
  return at::detail::empty_generic(C10_AS_INTARRAYREF_SLOW(sizes), &DeviceMemory::instance(),
                                   dense_keys(), c10::dtype_or_default(dtype), format);
}

at::Tensor empty_strided(c10::SymIntArrayRef sizes, c10::SymIntArrayRef strides,
                         std::optional<c10::ScalarType> dtype, std::optional<c10::Layout>,
                         std::optional<c10::Device> device, std::optional<bool>) {
  check_ordinal(device);
  return at::detail::empty_strided_generic(
      C10_AS_INTARRAYREF_SLOW(sizes), C10_AS_INTARRAYREF_SLOW(strides), &DeviceMemory::instance(),
      dense_keys(), c10::dtype_or_default(dtype));
}

at::Tensor as_strided(const at::Tensor& self, c10::SymIntArrayRef sizes,
                      c10::SymIntArrayRef strides, std::optional<c10::SymInt> offset) {
  const int64_t start = offset ? offset->expect_int() : self.storage_offset();
  const auto wanted = C10_AS_INTARRAYREF_SLOW(sizes);
  const auto steps = C10_AS_INTARRAYREF_SLOW(strides);
  at::native::checkAsStridedArgs<int64_t>(wanted, steps, start);
  at::native::checkInBoundsForStorage<int64_t>(wanted, steps, start, self.dtype(), self.storage());
  return view_of(self, wanted, steps, start);
}

at::Tensor view(const at::Tensor& self, c10::SymIntArrayRef sizes) {
  const auto inferred = at::infer_size_dv(C10_AS_INTARRAYREF_SLOW(sizes), self.numel());
  const auto strides = at::detail::computeStride(self.sizes(), self.strides(), inferred);
  TORCH_CHECK(strides,
              "view size is not compatible with input tensor's size and stride (at least one "
              "dimension spans across two contiguous subspaces). Use .reshape(...) instead.");
  return view_of(self, inferred, *strides, self.storage_offset());
}

at::Tensor reshape_alias(const at::Tensor& self, c10::SymIntArrayRef sizes,
                         c10::SymIntArrayRef strides) {
  return view_of(self, C10_AS_INTARRAYREF_SLOW(sizes), C10_AS_INTARRAYREF_SLOW(strides),
                 self.storage_offset());
}

const at::Tensor& resize_(const at::Tensor& self, c10::SymIntArrayRef sizes,
                          std::optional<c10::MemoryFormat> format) {
  const auto wanted = C10_AS_INTARRAYREF_SLOW(sizes);
  at::detail::check_size_nonnegative(wanted);
  c10::TensorImpl& impl = *self.unsafeGetTensorImpl();
  if (self.sizes() != wanted) impl.set_sizes_contiguous(wanted);
  if (format && *format != c10::MemoryFormat::Preserve) impl.empty_tensor_restride(*format);
  grow(*self.storage().unsafeGetStorageImpl(), bytes_needed(self));
  return self;
}

at::Tensor& set_storage_(at::Tensor& self, c10::Storage storage, c10::SymInt offset,
                         c10::SymIntArrayRef sizes, c10::SymIntArrayRef strides) {
  const auto wanted = C10_AS_INTARRAYREF_SLOW(sizes);
  const auto given = C10_AS_INTARRAYREF_SLOW(strides);
  const int64_t start = offset.expect_int();
  at::detail::check_size_nonnegative(wanted);
  if (given.size() == wanted.size()) at::native::checkAsStridedArgs<int64_t>(wanted, given, start);
  c10::TensorImpl& impl = *self.unsafeGetTensorImpl();
  if (storage.device().type() != device_type() && storage.nbytes() == 0) {
    impl.set_storage_keep_dtype(std::move(storage));  // an empty one stands for that of any device
  } else {
    at::native::checkSetStorage<int64_t>(self, std::move(storage), start, wanted, given);
  }
  if (given.size() == wanted.size()) {
    impl.set_sizes_and_strides(wanted, given, start);
  } else {
    impl.set_sizes_contiguous(wanted);
    impl.set_storage_offset(start);
  }
  if (self.numel() != 0) grow(*self.storage().unsafeGetStorageImpl(), bytes_needed(self));
  return self;
}

at::Tensor& set_whole_storage_(at::Tensor& self, c10::Storage storage) {
  const auto count = static_cast<int64_t>(storage.nbytes() / self.itemsize());
  return set_storage_(self, std::move(storage), 0, {c10::SymInt(count)}, {c10::SymInt(1)});
}

at::Tensor& set_tensor_(at::Tensor& self, const at::Tensor& source) {
  TORCH_CHECK(self.dtype() == source.dtype(), "Could not set tensor of type ", source.dtype(),
              " to a tensor of type ", self.dtype());
  c10::TensorImpl& impl = *self.unsafeGetTensorImpl();
  impl.set_storage_keep_dtype(source.storage());
  impl.set_sizes_and_strides(source.sizes(), source.strides(), source.storage_offset());
  return self;
}

at::Tensor& set_nothing_(at::Tensor& self) {
  return set_tensor_(self, at::empty({0}, self.options()));
}

bool is_set_to(const at::Tensor& self, const at::Tensor& other) {
  return self.storage().unsafeGetStorageImpl() == other.storage().unsafeGetStorageImpl() &&
         self.storage_offset() == other.storage_offset() && self.sizes() == other.sizes() &&
         self.strides() == other.strides();
}

}  // namespace moai::front
