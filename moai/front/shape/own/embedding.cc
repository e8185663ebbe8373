// Embeddings and dropout.
#include <ATen/TensorUtils.h>

#include "moai/front/shape/meta_tensor.h"
#include "moai/front/shape/rows.h"

namespace moai::front::shape {
namespace {

namespace op = at::_ops;
using at::Tensor;

Tensor embedding(const Tensor& weight, const Tensor& indices, int64_t, bool, bool) {
  TORCH_CHECK(weight.dim() == 2, "'weight' must be 2-D");
  at::checkScalarTypes("embedding", at::TensorArg(indices, "indices", 1), {at::kLong, at::kInt});
  std::vector<int64_t> sizes = indices.sizes().vec();
  sizes.push_back(weight.size(1));
  return fresh(sizes, weight.scalar_type());
}

Tensor embedding_dense_backward(const Tensor& grad, const Tensor& indices, int64_t rows, int64_t,
                                bool) {
  at::checkScalarTypes("embedding_backward", at::TensorArg(indices, "indices", 2),
                       {at::kLong, at::kInt});
  return fresh({rows, grad.size(-1)}, grad.scalar_type());
}

std::tuple<Tensor, Tensor> native_dropout(const Tensor& input, double, std::optional<bool>) {
  if (input.numel() == 0) return {like(input), like(input)};
  return {pointwise(input, input.scalar_type()), like(input, at::kBool)};
}

Tensor native_dropout_backward(const Tensor& grad, const Tensor& mask, double) {
  return pointwise(grad, mask, grad.scalar_type());
}

const Row kRows[] = {
    ours<op::embedding>(embedding),
    ours<op::embedding_dense_backward>(embedding_dense_backward),
    ours<op::native_dropout>(native_dropout),
    ours<op::native_dropout_backward>(native_dropout_backward),
};

}  // namespace

std::span<const Row> embedding_rows() { return kRows; }

}  // namespace moai::front::shape
