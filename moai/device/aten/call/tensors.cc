#include "moai/device/aten/call/tensors.h"

#include <c10/core/Allocator.h>
#include <c10/core/DeviceGuard.h>
#include <c10/core/TensorOptions.h>
#include <c10/util/complex.h>

#include <array>

namespace moai::device {

using tensor::DType;
using tensor::Geometry;

static_assert(static_cast<int>(DType::kBFloat16) == static_cast<int>(c10::ScalarType::BFloat16));
static_assert(static_cast<int>(DType::kUInt64) == static_cast<int>(c10::ScalarType::UInt64));

c10::Storage make_storage(uint64_t size_bytes, c10::Device device) {
  // Allocators of accelerators take memory of the device that is the thread's current one.
  const c10::OptionalDeviceGuard guard(device.is_cpu() ? std::nullopt : std::optional(device));
  c10::Allocator* allocator = c10::GetAllocator(device.type());
  return c10::Storage(c10::make_intrusive<c10::StorageImpl>(
      c10::StorageImpl::use_byte_size_t(), size_bytes, allocator->allocate(size_bytes), allocator,
      /*resizable=*/true));
}

c10::Storage make_scalar_storage() {
  using Scalar = c10::complex<double>;  // the largest
  auto* scalar = new Scalar(0);
  c10::DataPtr data(scalar, scalar, [](void* p) { delete static_cast<Scalar*>(p); }, c10::kCPU);
  return c10::Storage(c10::make_intrusive<c10::StorageImpl>(
      c10::StorageImpl::use_byte_size_t(), sizeof(Scalar), std::move(data), /*allocator=*/nullptr,
      /*resizable=*/false));
}

const c10::Storage& empty_storage(c10::Device device) {
  static std::array<c10::Storage, c10::COMPILE_TIME_MAX_DEVICE_TYPES>& storages =
      *new std::array<c10::Storage, c10::COMPILE_TIME_MAX_DEVICE_TYPES>;
  c10::Storage& storage = storages[static_cast<size_t>(device.type())];
  if (!storage) storage = make_storage(0, device);
  return storage;
}

at::Tensor make_tensor(const Geometry& g, c10::Storage storage, c10::Device device) {
  const auto type = static_cast<c10::ScalarType>(g.dtype);
  at::Tensor tensor = at::detail::make_tensor<c10::TensorImpl>(
      std::move(storage), c10::DispatchKeySet(c10::computeDispatchKey(type, std::nullopt, device)),
      c10::scalarTypeToTypeMeta(type));
  c10::TensorImpl* impl = tensor.unsafeGetTensorImpl();
  impl->set_sizes_and_strides(g.sizes, g.strides, g.offset);
  if (g.flags & Geometry::kConj) impl->_set_conj(true);
  if (g.flags & Geometry::kNeg) impl->_set_neg(true);
  if (g.flags & Geometry::kWrappedNumber) impl->set_wrapped_number(true);
  return tensor;
}

Geometry geometry_of(const at::Tensor& tensor) {
  Geometry g;
  g.dtype = static_cast<DType>(tensor.scalar_type());
  g.sizes = tensor.sizes().vec();
  g.strides = tensor.strides().vec();
  g.offset = tensor.storage_offset();
  if (tensor.is_conj()) g.flags |= Geometry::kConj;
  if (tensor.is_neg()) g.flags |= Geometry::kNeg;
  return g;
}

bool lies_like(const at::Tensor& tensor, const Geometry& g) {
  if (static_cast<DType>(tensor.scalar_type()) != g.dtype) return false;
  if (tensor.sizes() != at::IntArrayRef(g.sizes) || tensor.storage_offset() != g.offset) {
    return false;
  }
  const at::IntArrayRef strides = tensor.strides();
  for (size_t i = 0; i < g.sizes.size(); ++i) {
    if (strides[i] != g.strides[i] && g.sizes[i] != 1) return false;
  }
  return tensor.is_conj() == ((g.flags & Geometry::kConj) != 0) &&
         tensor.is_neg() == ((g.flags & Geometry::kNeg) != 0);
}

bool owns_storage(const at::Tensor& tensor) {
  const c10::Storage& storage = tensor.unsafeGetTensorImpl()->unsafe_storage();
  const size_t used = static_cast<size_t>(tensor.numel()) * tensor.element_size();
  return tensor.use_count() == 1 && storage.use_count() == 1 && storage.nbytes() / 2 <= used &&
         storage.resizable();
}

}  // namespace moai::device
