// Copies, joins, picks and fills.
#include <ATen/ExpandUtils.h>
#include <ATen/InferSize.h>
#include <ATen/TensorUtils.h>
#include <ATen/WrapDimUtils.h>
#include <ATen/ops/cat_meta_dispatch.h>
#include <ATen/ops/result_type_native.h>
#include <ATen/ops/sort_meta_dispatch.h>

#include "moai/front/shape/meta_tensor.h"
#include "moai/front/shape/rows.h"

namespace moai::front::shape {
namespace {

namespace op = at::_ops;
using at::IntArrayRef;
using at::Tensor;
using Indices = c10::List<std::optional<Tensor>>;

Tensor clone(const Tensor& self, std::optional<c10::MemoryFormat> format) {
  const auto wanted = format.value_or(c10::MemoryFormat::Preserve);
  if (wanted == c10::MemoryFormat::Preserve) return like(self);
  return fresh(self.sizes(), self.scalar_type(), wanted);
}

Tensor unsafe_view(const Tensor& self, IntArrayRef sizes) {
  const auto inferred = at::infer_size_dv(sizes, self.numel());
  const auto strides = at::detail::computeStride(self.sizes(), self.strides(), inferred);
  TORCH_CHECK(strides,
              "view size is not compatible with input tensor's size and stride (at least one "
              "dimension spans across two contiguous subspaces). Use .reshape(...) instead.");
  return fresh(inferred, *strides, self.scalar_type());
}

std::vector<Tensor> metas(at::TensorList tensors) {
  std::vector<Tensor> made;
  made.reserve(tensors.size());
  for (const Tensor& t : tensors) made.push_back(fresh(t.sizes(), t.strides(), t.scalar_type()));
  return made;
}

Tensor unsqueezed(const Tensor& t, int64_t dim) {
  std::vector<int64_t> sizes = t.sizes().vec(), strides = t.strides().vec();
  strides.insert(strides.begin() + dim, dim < t.dim() ? t.size(dim) * t.stride(dim) : 1);
  sizes.insert(sizes.begin() + dim, 1);
  return fresh(sizes, strides, t.scalar_type());
}

// As torch does it: joined along the dimension, then split; or unsqueezed and joined.
Tensor stack(at::TensorList tensors, int64_t dim) {
  TORCH_CHECK(!tensors.empty(), "stack expects a non-empty TensorList");
  const Tensor& first = tensors[0];
  const int64_t at = at::maybe_wrap_dim(dim, first.dim() + 1);
  for (size_t i = 1; i < tensors.size(); ++i) {
    TORCH_CHECK(tensors[i].sizes() == first.sizes(),
                "stack expects each tensor to be equal size, but got ", first.sizes(),
                " at entry 0 and ", tensors[i].sizes(), " at entry ", i);
  }
  if (at < first.dim()) {
    std::vector<int64_t> sizes = first.sizes().vec();
    sizes.insert(sizes.begin() + at, static_cast<int64_t>(tensors.size()));
    return unsafe_view(at::meta::cat(metas(tensors), at), sizes);
  }
  std::vector<Tensor> columns;
  for (const Tensor& t : tensors) columns.push_back(unsqueezed(t, at));
  return at::meta::cat(columns, at);
}

Tensor where(const Tensor& condition, const Tensor& self, const Tensor& other) {
  const auto type = condition.scalar_type();
  TORCH_CHECK(type == at::kBool || type == at::kByte,
              "where expected condition to be a boolean tensor, but got a tensor with dtype ",
              type);
  return pointwise(condition, self, other, at::native::result_type(self, other));
}

void check_mask(const Tensor& mask) {
  TORCH_CHECK(mask.scalar_type() == at::kBool,
              "masked_fill_ only supports boolean masks, but got mask with dtype ", mask.dtype());
}

void check_value(const Tensor& value, const char* name) {
  TORCH_CHECK(value.dim() == 0, name,
              " only supports a 0-dimensional value tensor, but got tensor with ", value.dim(),
              " dimension(s).");
}

Tensor masked_fill(const Tensor& self, const Tensor& mask, const at::Scalar&) {
  check_mask(mask);
  return fresh(at::infer_size(mask.sizes(), self.sizes()), self.scalar_type());
}

Tensor masked_fill_by_tensor(const Tensor& self, const Tensor& mask, const Tensor& value) {
  check_value(value, "masked_fill_");
  check_mask(mask);
  return fresh(at::infer_size(mask.sizes(), self.sizes()), self.scalar_type());
}

Tensor& masked_fill_in_place(Tensor& self, const Tensor& mask, const at::Scalar&) {
  check_mask(mask);
  check_fits(self, mask);
  return self;
}

Tensor& masked_fill_in_place_by_tensor(Tensor& self, const Tensor& mask, const Tensor& value) {
  check_value(value, "masked_fill_");
  return masked_fill_in_place(self, mask, 0);
}

Tensor index_put(const Tensor& self, const Indices& indices, const Tensor& values, bool) {
  TORCH_CHECK_INDEX(static_cast<int64_t>(indices.size()) <= self.dim(),
                    "too many indices for tensor of dimension ", self.dim(), " (got ",
                    indices.size(), ")");
  TORCH_CHECK(self.scalar_type() == values.scalar_type(),
              "Index put requires the source and destination dtypes match, got ",
              self.scalar_type(), " for the destination and ", values.scalar_type(),
              " for the source.");
  return like(self);
}

Tensor index_select(const Tensor& self, int64_t dim, const Tensor& index) {
  const int64_t along = at::maybe_wrap_dim(dim, self.dim());
  TORCH_CHECK_INDEX(index.dim() <= 1, "index_select(): Index is supposed to be a vector");
  TORCH_CHECK(index.scalar_type() == at::kLong || index.scalar_type() == at::kInt,
              "index_select(): Expected dtype int32 or int64 for index");
  std::vector<int64_t> sizes = self.sizes().vec();
  if (!sizes.empty()) sizes[static_cast<size_t>(along)] = index.numel();
  return fresh(sizes, self.scalar_type());
}

Tensor index_fill(const Tensor& self, int64_t, const Tensor&, const at::Scalar&) {
  return like(self);
}

Tensor index_fill_by_tensor(const Tensor& self, int64_t, const Tensor&, const Tensor& value) {
  TORCH_CHECK(value.dim() == 0,
              "index_fill_ only supports a 0-dimensional value tensor, but got "
              "tensor with ",
              value.dim(), " dimension(s).");
  return like(self);
}

std::tuple<Tensor, Tensor> sort(const Tensor& self, int64_t dim, bool descending) {
  return at::meta::sort(fresh(self.sizes(), self.strides(), self.scalar_type()), std::nullopt, dim,
                        descending);
}

const Row kRows[] = {
    ours<op::clone>(clone),
    ours<op::_unsafe_view>(unsafe_view),
    ours<op::stack>(stack),
    ours<op::where_self>(where),
    ours<op::masked_fill_Scalar>(masked_fill),
    ours<op::masked_fill_Tensor>(masked_fill_by_tensor),
    ours<op::masked_fill__Scalar>(masked_fill_in_place),
    ours<op::masked_fill__Tensor>(masked_fill_in_place_by_tensor),
    ours<op::index_put>(index_put),
    ours<op::index_select>(index_select),
    ours<op::index_fill_int_Scalar>(index_fill),
    ours<op::index_fill_int_Tensor>(index_fill_by_tensor),
    ours<op::sort>(sort),
};

}  // namespace

std::span<const Row> copy_rows() { return kRows; }

}  // namespace moai::front::shape
