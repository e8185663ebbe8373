#include "moai/device/aten/random/fill.h"

#include <ATen/MemoryOverlap.h>
#include <ATen/ops/empty.h>

namespace moai::device {

StridedCursor::StridedCursor(const at::Tensor& tensor, int64_t index)
    : sizes_(tensor.sizes()), strides_(tensor.strides()), index_(tensor.dim(), 0) {
  for (int64_t d = tensor.dim() - 1; d >= 0; --d) {
    index_[d] = index % sizes_[d];
    index /= sizes_[d];
    offset_ += index_[d] * strides_[d];
  }
}

void StridedCursor::advance() {
  for (int64_t d = static_cast<int64_t>(sizes_.size()) - 1; d >= 0; --d) {
    offset_ += strides_[d];
    if (++index_[d] < sizes_[d]) return;
    offset_ -= sizes_[d] * strides_[d];
    index_[d] = 0;
  }
}

at::Tensor writable_on_cpu(const at::Tensor& tensor) {
  at::assert_no_internal_overlap(tensor);
  // A lazily negated or conjugated view holds other bits than its values.
  if (tensor.is_cpu() && !tensor.is_neg() && !tensor.is_conj()) return tensor;
  return at::empty(tensor.sizes(), tensor.options().device(at::kCPU));
}

}  // namespace moai::device
