// Tensors from geometries and back.
#pragma once

#include <ATen/core/Tensor.h>
#include <c10/core/Storage.h>

#include "moai/tensor/geometry.h"

namespace moai::device {

// A storage without bytes on `device`; one for each device, shared.
const c10::Storage& empty_storage(c10::Device device);
// Uninitialised. Throws c10::OutOfMemoryError.
c10::Storage make_storage(uint64_t size_bytes, c10::Device device);
// Of a number that a prepared call keeps: zeros on the host, in no figure of the device's memory.
c10::Storage make_scalar_storage();

// A tensor of `geometry` over `storage`, all flags included. Does not check that it fits.
at::Tensor make_tensor(const tensor::Geometry& geometry, c10::Storage storage, c10::Device device);
tensor::Geometry geometry_of(const at::Tensor& tensor);

// Whether the tensor lies in its storage as `geometry` says, strides of dimensions of size 1 apart.
bool lies_like(const at::Tensor& tensor, const tensor::Geometry& geometry);

// The only reference to its storage, and that not much larger than the tensor: the storage can be
// taken over.
bool owns_storage(const at::Tensor& tensor);

}  // namespace moai::device
