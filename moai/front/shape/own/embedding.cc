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

enum BagMode : int64_t { kSum = 0, kMean = 1, kMax = 2 };

using Four = std::tuple<Tensor, Tensor, Tensor, Tensor>;

// What a CPU's kernel keeps for the backward: it sums bags of some types without knowing the bag of
// an index. A shape that does not fit would lose what the backward reads.
Four bags(const Tensor& weight, const Tensor& indices, const Tensor& offsets, int64_t mode,
          const std::optional<Tensor>& scale, bool ends, int64_t padding, bool keeps) {
  TORCH_CHECK(weight.dim() == 2, "'weight' must be 2-D");
  const auto type = c10::promoteTypes(indices.scalar_type(), offsets.scalar_type());
  const int64_t count = offsets.size(0) - (ends ? 1 : 0);
  const bool half = weight.scalar_type() == at::kHalf || weight.scalar_type() == at::kBFloat16;
  const bool scaled = scale && scale->defined();
  const bool fast = (half || weight.scalar_type() == at::kFloat) && weight.stride(1) == 1 &&
                    padding < 0 && (!scaled || scale->stride(0) == 1);
  const int64_t placed = mode == kSum && fast ? 0 : indices.size(0);
  const Tensor sizes = fresh({keeps || mode != kSum ? count : offsets.size(0)}, type);
  const Tensor largest = mode == kMax ? fresh({count, weight.size(1)}, type) : sizes;
  return {fresh({count, weight.size(1)}, weight.scalar_type()), fresh({placed}, type), sizes,
          largest};
}

Four embedding_bag(const Tensor& weight, const Tensor& indices, const Tensor& offsets, bool,
                   int64_t mode, bool, const std::optional<Tensor>& scale, bool ends,
                   int64_t padding) {
  return bags(weight, indices, offsets, mode, scale, ends, padding, true);
}

Four embedding_bag_forward(const Tensor& weight, const Tensor& indices, const Tensor& offsets, bool,
                           int64_t mode, bool, const std::optional<Tensor>& scale, bool ends,
                           int64_t padding) {
  return bags(weight, indices, offsets, mode, scale, ends, padding, false);
}

std::tuple<Tensor, Tensor> native_dropout(const Tensor& input, double, std::optional<bool>) {
  if (input.numel() == 0) return {like(input), like(input)};
  return {pointwise(input, input.scalar_type()), like(input, at::kBool)};
}

Tensor native_dropout_backward(const Tensor& grad, const Tensor& mask, double) {
  const bool whole = c10::isIntegralType(grad.scalar_type(), true);
  return pointwise(
      grad, mask, whole ? c10::typeMetaToScalarType(c10::get_default_dtype()) : grad.scalar_type());
}

const Row kRows[] = {
    ours<op::embedding>(embedding),
    ours<op::embedding_dense_backward>(embedding_dense_backward),
    ours<op::_embedding_bag>(embedding_bag),
    ours<op::_embedding_bag_forward_only>(embedding_bag_forward),
    ours<op::native_dropout>(native_dropout),
    ours<op::native_dropout_backward>(native_dropout_backward),
};

}  // namespace

std::span<const Row> embedding_rows() { return kRows; }

}  // namespace moai::front::shape
