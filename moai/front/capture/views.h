// Kernels that change what the front knows of a tensor and record nothing: views, storages, sizes.
#pragma once

#include <optional>

#include "moai/front/torch_headers.h"

namespace moai::front {

at::Tensor empty(c10::SymIntArrayRef sizes, std::optional<c10::ScalarType> dtype,
                 std::optional<c10::Layout>, std::optional<c10::Device>, std::optional<bool>,
                 std::optional<c10::MemoryFormat> format);
at::Tensor empty_strided(c10::SymIntArrayRef sizes, c10::SymIntArrayRef strides,
                         std::optional<c10::ScalarType> dtype, std::optional<c10::Layout>,
                         std::optional<c10::Device>, std::optional<bool>);
at::Tensor as_strided(const at::Tensor& self, c10::SymIntArrayRef sizes,
                      c10::SymIntArrayRef strides, std::optional<c10::SymInt> offset);
at::Tensor view(const at::Tensor& self, c10::SymIntArrayRef sizes);
at::Tensor reshape_alias(const at::Tensor& self, c10::SymIntArrayRef sizes,
                         c10::SymIntArrayRef strides);
const at::Tensor& resize_(const at::Tensor& self, c10::SymIntArrayRef sizes,
                          std::optional<c10::MemoryFormat> format);
at::Tensor& set_storage_(at::Tensor& self, c10::Storage storage, c10::SymInt offset,
                         c10::SymIntArrayRef sizes, c10::SymIntArrayRef strides);
at::Tensor& set_whole_storage_(at::Tensor& self, c10::Storage storage);
at::Tensor& set_tensor_(at::Tensor& self, const at::Tensor& source);
at::Tensor& set_nothing_(at::Tensor& self);
bool is_set_to(const at::Tensor& self, const at::Tensor& other);

}  // namespace moai::front
