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
  at::maybe_wrap_dim(dim, self.dim());
  return {fresh(self.sizes(), self.scalar_type()), fresh(self.sizes(), at::kLong)};
}

Tensor roll(const Tensor& self, IntArrayRef shifts, IntArrayRef dims) {
  TORCH_CHECK(!shifts.empty(), "`shifts` required");
  if (dims.empty() && shifts.size() == 1) return fresh(self.sizes(), self.scalar_type());
  TORCH_CHECK(shifts.size() == dims.size(),
              "shifts and dimensions must align. shifts: ", shifts.size(), ", dims:", dims.size());
  for (const int64_t dim : dims) at::maybe_wrap_dim(dim, self.dim());
  if (self.numel() == 0) return like(self);
  // Two parts along a dimension, joined again.
  return fresh(self.sizes(), self.scalar_type(), self.suggest_memory_format());
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
