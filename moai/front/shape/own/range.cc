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

const Row kRows[] = {
    ours<op::arange_start_out>(arange),
};

}  // namespace

std::span<const Row> range_rows() { return kRows; }

}  // namespace moai::front::shape
