// Pooling.
#include <ATen/MetaFunctions.h>

#include "moai/front/shape/rows.h"

namespace moai::front::shape {
namespace {

namespace meta = at::meta;
namespace op = at::_ops;

const Row kRows[] = {
    torch<op::adaptive_max_pool2d>(meta::adaptive_max_pool2d),
    torch<op::adaptive_max_pool2d_out>(meta::adaptive_max_pool2d_outf),
    torch<op::adaptive_max_pool2d_backward>(meta::adaptive_max_pool2d_backward),
    torch<op::adaptive_max_pool2d_backward_grad_input>(meta::adaptive_max_pool2d_backward_outf),
    torch<op::adaptive_max_pool3d>(meta::adaptive_max_pool3d),
    torch<op::adaptive_max_pool3d_out>(meta::adaptive_max_pool3d_outf),
    torch<op::adaptive_max_pool3d_backward>(meta::adaptive_max_pool3d_backward),
    torch<op::adaptive_max_pool3d_backward_grad_input>(meta::adaptive_max_pool3d_backward_outf),
    torch<op::avg_pool2d>(meta::avg_pool2d),
    torch<op::avg_pool2d_out>(meta::avg_pool2d_outf),
    torch<op::avg_pool2d_backward>(meta::avg_pool2d_backward),
    torch<op::avg_pool2d_backward_grad_input>(meta::avg_pool2d_backward_outf),
    torch<op::avg_pool3d>(meta::avg_pool3d),
    torch<op::avg_pool3d_out>(meta::avg_pool3d_outf),
    torch<op::avg_pool3d_backward>(meta::avg_pool3d_backward),
    torch<op::avg_pool3d_backward_grad_input>(meta::avg_pool3d_backward_outf),
    torch<op::fractional_max_pool2d>(meta::fractional_max_pool2d),
    torch<op::fractional_max_pool2d_output>(meta::fractional_max_pool2d_outf),
    torch<op::fractional_max_pool2d_backward>(meta::fractional_max_pool2d_backward),
    torch<op::fractional_max_pool2d_backward_grad_input>(meta::fractional_max_pool2d_backward_outf),
    torch<op::fractional_max_pool3d>(meta::fractional_max_pool3d),
    torch<op::fractional_max_pool3d_output>(meta::fractional_max_pool3d_outf),
    torch<op::max_pool2d_with_indices>(meta::max_pool2d_with_indices),
    torch<op::max_pool2d_with_indices_out>(meta::max_pool2d_with_indices_outf),
    torch<op::max_pool2d_with_indices_backward>(meta::max_pool2d_with_indices_backward),
    torch<op::max_pool2d_with_indices_backward_grad_input>(
        meta::max_pool2d_with_indices_backward_outf),
};

}  // namespace

std::span<const Row> pooling_rows() { return kRows; }

}  // namespace moai::front::shape
