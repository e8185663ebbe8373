// Operators along a dimension whose kernels torch composes.
#include <ATen/WrapDimUtils.h>

#include "moai/front/shape/meta_tensor.h"
#include "moai/front/shape/rows.h"

namespace moai::front::shape {
namespace {

namespace op = at::_ops;
using at::IntArrayRef;
using at::Tensor;

std::tuple<Tensor, Tensor> running_extremum(const Tensor& self, int64_t dim) {
  if (self.numel() != 0) at::maybe_wrap_dim(dim, self.dim());
  return {fresh(self.sizes(), self.scalar_type()), fresh(self.sizes(), at::kLong)};
}

// Two parts along each dimension, joined again in their format; an empty part has none.
Tensor roll(const Tensor& self, IntArrayRef shifts, IntArrayRef dims) {
  TORCH_CHECK(!shifts.empty(), "`shifts` required");
  if (dims.empty() && shifts.size() == 1) return fresh(self.sizes(), self.scalar_type());
  TORCH_CHECK(shifts.size() == dims.size(),
              "shifts and dimensions must align. shifts: ", shifts.size(), ", dims:", dims.size());
  if (self.numel() == 0) return like(self);
  auto format = self.suggest_memory_format();
  for (size_t i = 0; i < dims.size(); ++i) {
    const int64_t size = self.size(at::maybe_wrap_dim(dims[i], self.dim()));
    if (shifts[i] % size == 0) format = c10::MemoryFormat::Contiguous;
  }
  return fresh(self.sizes(), self.scalar_type(), format);
}

std::tuple<Tensor, Tensor> kth_value(const Tensor& self, int64_t k, int64_t given, bool keep) {
  const int64_t dim = at::maybe_wrap_dim(given, self.dim());
  const int64_t size = self.dim() == 0 ? 1 : self.size(dim);
  TORCH_CHECK(k >= 1 && k <= size, "kthvalue(): selected number k out of range for dimension ",
              dim);
  std::vector<int64_t> sizes = self.sizes().vec();
  if (keep && !sizes.empty()) sizes[static_cast<size_t>(dim)] = 1;
  if (!keep && !sizes.empty()) sizes.erase(sizes.begin() + dim);
  return {fresh(sizes, self.scalar_type()), fresh(sizes, at::kLong)};
}

Tensor bucketize(const Tensor& self, const Tensor& boundaries, bool narrow, bool) {
  TORCH_CHECK(boundaries.dim() == 1, "boundaries tensor must be 1 dimension, but got dim(",
              boundaries.dim(), ")");
  return fresh(self.sizes(), narrow ? at::kInt : at::kLong);
}

const Row kRows[] = {
    ours<op::cummax>(running_extremum), ours<op::cummin>(running_extremum),    ours<op::roll>(roll),
    ours<op::kthvalue>(kth_value),      ours<op::bucketize_Tensor>(bucketize),
};

}  // namespace

std::span<const Row> order_rows() { return kRows; }

}  // namespace moai::front::shape
