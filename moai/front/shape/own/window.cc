// Operators that read windows or points of images.
#include <ATen/native/GridSamplerUtils.h>
#include <ATen/native/im2col_shape_check.h>

#include "moai/front/shape/meta_tensor.h"
#include "moai/front/shape/rows.h"

namespace moai::front::shape {
namespace {

namespace op = at::_ops;
using at::IntArrayRef;
using at::Tensor;

Tensor im2col(const Tensor& self, IntArrayRef kernel, IntArrayRef dilation, IntArrayRef padding,
              IntArrayRef stride) {
  for (const IntArrayRef pair : {kernel, dilation, padding, stride}) {
    TORCH_CHECK(pair.size() == 2,
                "It is expected that each of kernel_size, dilation, padding and "
                "stride has two elements, but got ",
                pair.size());
  }
  at::native::im2col_shape_check(self, Tensor(), kernel[0], kernel[1], dilation[0], dilation[1],
                                 padding[0], padding[1], stride[0], stride[1]);
  const int64_t first = self.dim() - 3;
  int64_t places = 1;
  for (const size_t i : {0, 1}) {
    const int64_t reach = dilation[i] * (kernel[i] - 1) + 1;
    places *=
        (self.size(first + 1 + static_cast<int64_t>(i)) + 2 * padding[i] - reach) / stride[i] + 1;
  }
  const int64_t rows = self.size(first) * kernel[0] * kernel[1];
  if (first == 0) return fresh({rows, places}, self.scalar_type());
  return fresh({self.size(0), rows, places}, self.scalar_type());
}

Tensor sampled(const Tensor& input, const Tensor& grid) {
  std::vector<int64_t> sizes = grid.sizes().vec();
  sizes.pop_back();
  sizes.insert(sizes.begin() + 1, input.size(1));
  return fresh(sizes, input.scalar_type());
}

Tensor grid_sampler_2d(const Tensor& input, const Tensor& grid, int64_t, int64_t, bool) {
  at::native::check_grid_sampler_common(input, grid);
  at::native::check_grid_sampler_2d(input, grid);
  return sampled(input, grid);
}

Tensor grid_sampler_3d(const Tensor& input, const Tensor& grid, int64_t interpolation, int64_t,
                       bool) {
  at::native::check_grid_sampler_common(input, grid);
  at::native::check_grid_sampler_3d(input, grid, interpolation);
  return sampled(input, grid);
}

std::tuple<Tensor, Tensor> grid_sampler_backward(const Tensor&, const Tensor& input,
                                                 const Tensor& grid, int64_t, int64_t, bool,
                                                 std::array<bool, 2> mask) {
  return {mask[0] ? fresh(input.sizes(), input.scalar_type()) : Tensor(),
          fresh(grid.sizes(), grid.scalar_type())};
}

Tensor adaptive_average_3d(const Tensor& self, IntArrayRef sizes) {
  TORCH_CHECK(sizes.size() == 3,
              "adaptive_avg_pool3d: internal error: output_size.size() must be 3");
  for (int64_t i = 1; i < self.dim(); ++i) {
    TORCH_CHECK(self.size(i) > 0,
                "adaptive_avg_pool3d(): Expected input to have non-zero size for non-batch "
                "dimensions, but input has sizes ",
                self.sizes(), " with dimension ", i, " being empty");
  }
  TORCH_CHECK(self.dim() == 4 || self.dim() == 5,
              "adaptive_avg_pool3d(): Expected 4D or 5D tensor, but got ", self.sizes());
  std::vector<int64_t> result = self.sizes().vec();
  std::copy(sizes.begin(), sizes.end(), result.end() - 3);
  return fresh(result, self.scalar_type());
}

Tensor adaptive_average_3d_backward(const Tensor&, const Tensor& self) {
  return fresh(self.sizes(), self.scalar_type());
}

const Row kRows[] = {
    ours<op::im2col>(im2col),
    ours<op::grid_sampler_2d>(grid_sampler_2d),
    ours<op::grid_sampler_3d>(grid_sampler_3d),
    ours<op::grid_sampler_2d_backward>(grid_sampler_backward),
    ours<op::grid_sampler_3d_backward>(grid_sampler_backward),
    ours<op::_adaptive_avg_pool3d>(adaptive_average_3d),
    ours<op::_adaptive_avg_pool3d_backward>(adaptive_average_3d_backward),
};

}  // namespace

std::span<const Row> window_rows() { return kRows; }

}  // namespace moai::front::shape
