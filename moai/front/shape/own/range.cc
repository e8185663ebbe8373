// Ranges: their numbers decide how long they are.
#include <ATen/native/RangeUtils.h>

#include "moai/front/shape/meta_tensor.h"
#include "moai/front/shape/rows.h"

namespace moai::front::shape {
namespace {

namespace op = at::_ops;
using at::Scalar;
using at::Tensor;

// A result of the right length is left as it lies.
Tensor arange(const Scalar& start, const Scalar& end, const Scalar& step, const Tensor& out) {
  const int64_t size = out.scalar_type() == at::kLong
                           ? at::native::compute_arange_size<int64_t>(start, end, step)
                           : at::native::compute_arange_size<double>(start, end, step);
  return out.numel() == size ? out : fresh({size}, out.scalar_type());
}

Tensor steps_in(const Tensor& out, int64_t steps) {
  TORCH_CHECK(steps >= 0, "number of steps must be non-negative");
  return out.numel() == steps ? out : fresh({steps}, out.scalar_type());
}

template <typename Start, typename End>
Tensor linear(const Start&, const End&, int64_t steps, const Tensor& out) {
  return steps_in(out, steps);
}

template <typename Start, typename End>
Tensor logarithmic(const Start&, const End&, int64_t steps, double, const Tensor& out) {
  return steps_in(out, steps);
}

const Row kRows[] = {
    ours<op::arange_start_out>(arange),
    ours<op::linspace_out>(linear<Scalar, Scalar>),
    ours<op::linspace_Tensor_Tensor_out>(linear<Tensor, Tensor>),
    ours<op::linspace_Tensor_Scalar_out>(linear<Tensor, Scalar>),
    ours<op::linspace_Scalar_Tensor_out>(linear<Scalar, Tensor>),
    ours<op::logspace_out>(logarithmic<Scalar, Scalar>),
    ours<op::logspace_Tensor_Tensor_out>(logarithmic<Tensor, Tensor>),
    ours<op::logspace_Tensor_Scalar_out>(logarithmic<Tensor, Scalar>),
    ours<op::logspace_Scalar_Tensor_out>(logarithmic<Scalar, Tensor>),
};

}  // namespace

std::span<const Row> range_rows() { return kRows; }

}  // namespace moai::front::shape
