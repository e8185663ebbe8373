// Padding, repetition, adaptive pooling, and gradients that lie inside zeros.
#include <ATen/WrapDimUtils.h>

#include "moai/front/shape/meta_tensor.h"
#include "moai/front/shape/rows.h"

namespace moai::front::shape {
namespace {

namespace op = at::_ops;
using at::IntArrayRef;
using at::Tensor;

Tensor in_format(const Tensor& t, IntArrayRef sizes) {
  return fresh(sizes, t.scalar_type(), t.suggest_memory_format());
}

Tensor constant_pad(const Tensor& self, IntArrayRef pad, const at::Scalar&) {
  TORCH_CHECK(pad.size() % 2 == 0, "Length of pad must be even but instead it equals ", pad.size());
  const auto padded = static_cast<int64_t>(pad.size() / 2);
  TORCH_CHECK(self.dim() >= padded,
              "Length of pad should be no more than twice the number of dimensions of the input. "
              "Pad length is ",
              pad.size(), "while the input has ", self.dim(), "dimensions.");
  std::vector<int64_t> sizes = self.sizes().vec();
  bool grows = false;
  for (int64_t i = 0; i < padded; ++i) {
    const auto before = pad[static_cast<size_t>(2 * i)],
               after = pad[static_cast<size_t>(2 * i + 1)];
    int64_t& size = sizes[static_cast<size_t>(self.dim() - 1 - i)];
    TORCH_CHECK(size + std::min<int64_t>(before, 0) + std::min<int64_t>(after, 0) >= 0,
                "narrow(): length must be non-negative.");
    size += before + after;
    grows |= before > 0 || after > 0;
  }
  return grows ? in_format(self, sizes) : like(fresh(sizes, self.strides(), self.scalar_type()));
}

Tensor repeat(const Tensor& self, IntArrayRef repeats) {
  TORCH_CHECK(static_cast<int64_t>(repeats.size()) >= self.dim(),
              "Number of dimensions of repeat dims can not be smaller than number of dimensions of "
              "tensor");
  std::vector<int64_t> sizes = repeats.vec();
  const size_t lead = repeats.size() - static_cast<size_t>(self.dim());
  for (size_t i = lead; i < sizes.size(); ++i)
    sizes[i] *= self.size(static_cast<int64_t>(i - lead));
  return fresh(sizes, self.scalar_type());
}

Tensor flip(const Tensor& self, IntArrayRef dims) {
  for (const int64_t dim : dims) at::maybe_wrap_dim(dim, self.dim());
  return like(self);
}

Tensor adaptive_average(const Tensor& self, IntArrayRef output) {
  TORCH_CHECK(output.size() == 2, "adaptive_avg_pool2d: output_size must be 2");
  TORCH_CHECK(self.dim() == 3 || self.dim() == 4,
              "adaptive_avg_pool2d(): Expected 3D or 4D tensor, but got ", self.sizes());
  std::vector<int64_t> sizes = self.sizes().vec();
  std::copy(output.begin(), output.end(), sizes.end() - 2);
  return in_format(self, sizes);
}

Tensor adaptive_average_backward(const Tensor&, const Tensor& self) {
  return in_format(self, self.sizes());
}

Tensor select_backward(const Tensor& grad, IntArrayRef sizes, int64_t, int64_t) {
  return fresh(sizes, grad.scalar_type());
}

Tensor slice_backward(const Tensor& grad, IntArrayRef sizes, int64_t, int64_t, int64_t, int64_t) {
  return fresh(sizes, grad.scalar_type());
}

// Also the gradient of diagonal.
Tensor unfold_backward(const Tensor& grad, IntArrayRef sizes, int64_t, int64_t, int64_t) {
  return fresh(sizes, grad.scalar_type());
}

const Row kRows[] = {
    ours<op::constant_pad_nd>(constant_pad),
    ours<op::repeat>(repeat),
    ours<op::flip>(flip),
    ours<op::_adaptive_avg_pool2d>(adaptive_average),
    ours<op::_adaptive_avg_pool2d_backward>(adaptive_average_backward),
    ours<op::select_backward>(select_backward),
    ours<op::slice_backward>(slice_backward),
    ours<op::unfold_backward>(unfold_backward),
    ours<op::diagonal_backward>(unfold_backward),
};

}  // namespace

std::span<const Row> padding_rows() { return kRows; }

}  // namespace moai::front::shape
