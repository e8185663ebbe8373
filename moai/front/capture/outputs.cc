#include "moai/front/capture/outputs.h"

#include "moai/front/device/device_type.h"
#include "moai/front/device/engine.h"
#include "moai/front/device/memory.h"

namespace moai::front {
namespace {

at::Tensor tensor_over(c10::DataPtr data, uint64_t storage_bytes, const TensorShape& shape) {
  c10::Storage storage(c10::make_intrusive<c10::StorageImpl>(c10::StorageImpl::use_byte_size_t(),
                                                             storage_bytes, std::move(data),
                                                             &DeviceMemory::instance(), true));
  at::Tensor tensor = at::detail::make_tensor<c10::TensorImpl>(
      std::move(storage), c10::DispatchKeySet(device_kind().dense), shape.dtype);
  tensor.unsafeGetTensorImpl()->set_sizes_and_strides(shape.sizes, shape.strides, shape.offset);
  if (shape.conj) tensor._set_conj(true);
  if (shape.neg) tensor._set_neg(true);
  return tensor;
}

void append_storage(const at::Tensor& tensor, std::vector<graph::StorageId>* storages) {
  if (!tensor.defined()) return;
  DeviceBuffer* buffer = buffer_of(*tensor.storage().unsafeGetStorageImpl());
  if (buffer) buffer->announced.store(true, std::memory_order_release);
  storages->push_back(buffer ? buffer->id : 0);
}

}  // namespace

at::Tensor make_tensor(const TensorShape& shape) {
  if (!shape.defined) return {};
  const uint64_t bytes = shape.storage_bytes();
  return tensor_over(DeviceMemory::instance().allocate(bytes), bytes, shape);
}

at::Tensor adopt_tensor(const TensorShape& shape, graph::StorageId id, uint64_t storage_bytes) {
  const uint64_t bytes = std::max(storage_bytes, shape.storage_bytes());
  if (bytes == 0) return make_tensor(shape);
  return tensor_over(DeviceMemory::instance().allocate_as(id, bytes, true), bytes, shape);
}

at::Tensor make_view(const at::Tensor& base, const TensorShape& shape) {
  // The full key set: without the autograd keys it would be an inference tensor.
  at::Tensor view = at::detail::make_tensor<c10::TensorImpl>(
      c10::TensorImpl::VIEW, c10::Storage(base.storage()), base.key_set(), shape.dtype);
  view.unsafeGetTensorImpl()->set_sizes_and_strides(shape.sizes, shape.strides, shape.offset);
  view._set_conj(shape.conj);
  view._set_neg(shape.neg);
  return view;
}

void reshape_in_place(const at::Tensor& tensor, const TensorShape& shape) {
  c10::TensorImpl& impl = *tensor.unsafeGetTensorImpl();
  impl.set_sizes_and_strides(shape.sizes, shape.strides);
  grow(*tensor.storage().unsafeGetStorageImpl(),
       at::detail::computeStorageNbytes(shape.sizes, shape.strides, tensor.itemsize(),
                                        static_cast<size_t>(tensor.storage_offset())));
}

void append_fresh(const Recipe& recipe, Arguments outputs,
                  std::vector<graph::StorageId>* storages) {
  for (size_t i = 0; i < outputs.size(); ++i) {
    if (recipe.outputs[i].kind == Recipe::Kind::kFresh) {
      append_storage(outputs[i].toTensor(), storages);
    } else if (recipe.outputs[i].kind == Recipe::Kind::kFreshList) {
      for (const c10::IValue& item : outputs[i].toListRef()) {
        append_storage(item.toTensor(), storages);
      }
    }
  }
}

}  // namespace moai::front
