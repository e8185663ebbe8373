// Padding and resampling.
#include <ATen/MetaFunctions.h>

#include "moai/front/shape/rows.h"

namespace moai::front::shape {
namespace {

namespace meta = at::meta;
namespace op = at::_ops;

const Row kRows[] = {
    torch<op::_upsample_bicubic2d_aa>(meta::_upsample_bicubic2d_aa_symint),
    torch<op::_upsample_bicubic2d_aa_out>(meta::_upsample_bicubic2d_aa_symint_outf),
    torch<op::_upsample_bicubic2d_aa_backward>(meta::_upsample_bicubic2d_aa_backward_symint),
    torch<op::_upsample_bicubic2d_aa_backward_grad_input>(
        meta::_upsample_bicubic2d_aa_backward_symint_outf),
    torch<op::_upsample_bilinear2d_aa>(meta::_upsample_bilinear2d_aa_symint),
    torch<op::_upsample_bilinear2d_aa_out>(meta::_upsample_bilinear2d_aa_symint_outf),
    torch<op::_upsample_bilinear2d_aa_backward>(meta::_upsample_bilinear2d_aa_backward_symint),
    torch<op::_upsample_bilinear2d_aa_backward_grad_input>(
        meta::_upsample_bilinear2d_aa_backward_symint_outf),
    torch<op::_upsample_lanczos2d_aa>(meta::_upsample_lanczos2d_aa_symint),
    torch<op::_upsample_lanczos2d_aa_out>(meta::_upsample_lanczos2d_aa_symint_outf),
    torch<op::_upsample_lanczos2d_aa_backward>(meta::_upsample_lanczos2d_aa_backward_symint),
    torch<op::_upsample_lanczos2d_aa_backward_grad_input>(
        meta::_upsample_lanczos2d_aa_backward_symint_outf),
    torch<op::_upsample_nearest_exact1d>(meta::_upsample_nearest_exact1d_symint),
    torch<op::_upsample_nearest_exact1d_out>(meta::_upsample_nearest_exact1d_symint_outf),
    torch<op::_upsample_nearest_exact1d_backward>(meta::_upsample_nearest_exact1d_backward_symint),
    torch<op::_upsample_nearest_exact1d_backward_grad_input>(
        meta::_upsample_nearest_exact1d_backward_symint_outf),
    torch<op::_upsample_nearest_exact2d>(meta::_upsample_nearest_exact2d_symint),
    torch<op::_upsample_nearest_exact2d_out>(meta::_upsample_nearest_exact2d_symint_outf),
    torch<op::_upsample_nearest_exact2d_backward>(meta::_upsample_nearest_exact2d_backward_symint),
    torch<op::_upsample_nearest_exact2d_backward_grad_input>(
        meta::_upsample_nearest_exact2d_backward_symint_outf),
    torch<op::_upsample_nearest_exact3d>(meta::_upsample_nearest_exact3d_symint),
    torch<op::_upsample_nearest_exact3d_out>(meta::_upsample_nearest_exact3d_symint_outf),
    torch<op::_upsample_nearest_exact3d_backward>(meta::_upsample_nearest_exact3d_backward_symint),
    torch<op::_upsample_nearest_exact3d_backward_grad_input>(
        meta::_upsample_nearest_exact3d_backward_symint_outf),
    torch<op::reflection_pad1d>(meta::reflection_pad1d_symint),
    torch<op::reflection_pad1d_out>(meta::reflection_pad1d_symint_outf),
    torch<op::reflection_pad1d_backward>(meta::reflection_pad1d_backward_symint),
    torch<op::reflection_pad1d_backward_grad_input>(meta::reflection_pad1d_backward_symint_outf),
    torch<op::reflection_pad3d>(meta::reflection_pad3d_symint),
    torch<op::reflection_pad3d_out>(meta::reflection_pad3d_symint_outf),
    torch<op::reflection_pad3d_backward>(meta::reflection_pad3d_backward_symint),
    torch<op::reflection_pad3d_backward_grad_input>(meta::reflection_pad3d_backward_symint_outf),
    torch<op::replication_pad1d>(meta::replication_pad1d_symint),
    torch<op::replication_pad1d_out>(meta::replication_pad1d_symint_outf),
    torch<op::replication_pad1d_backward>(meta::replication_pad1d_backward_symint),
    torch<op::replication_pad1d_backward_grad_input>(meta::replication_pad1d_backward_symint_outf),
    torch<op::replication_pad2d>(meta::replication_pad2d_symint),
    torch<op::replication_pad2d_out>(meta::replication_pad2d_symint_outf),
    torch<op::replication_pad3d>(meta::replication_pad3d_symint),
    torch<op::replication_pad3d_out>(meta::replication_pad3d_symint_outf),
    torch<op::slow_conv_transpose2d>(meta::slow_conv_transpose2d_symint),
    torch<op::slow_conv_transpose2d_out>(meta::slow_conv_transpose2d_symint_outf),
    torch<op::upsample_bicubic2d>(meta::upsample_bicubic2d_symint),
    torch<op::upsample_bicubic2d_out>(meta::upsample_bicubic2d_symint_outf),
    torch<op::upsample_bicubic2d_backward>(meta::upsample_bicubic2d_backward_symint),
    torch<op::upsample_bicubic2d_backward_grad_input>(
        meta::upsample_bicubic2d_backward_symint_outf),
    torch<op::upsample_bilinear2d>(meta::upsample_bilinear2d_symint),
    torch<op::upsample_bilinear2d_out>(meta::upsample_bilinear2d_symint_outf),
    torch<op::upsample_bilinear2d_backward>(meta::upsample_bilinear2d_backward_symint),
    torch<op::upsample_bilinear2d_backward_grad_input>(
        meta::upsample_bilinear2d_backward_symint_outf),
    torch<op::upsample_linear1d>(meta::upsample_linear1d_symint),
    torch<op::upsample_linear1d_out>(meta::upsample_linear1d_symint_outf),
    torch<op::upsample_linear1d_backward>(meta::upsample_linear1d_backward_symint),
    torch<op::upsample_linear1d_backward_grad_input>(meta::upsample_linear1d_backward_symint_outf),
    torch<op::upsample_nearest1d>(meta::upsample_nearest1d_symint),
    torch<op::upsample_nearest1d_out>(meta::upsample_nearest1d_symint_outf),
    torch<op::upsample_nearest1d_backward>(meta::upsample_nearest1d_backward_symint),
    torch<op::upsample_nearest1d_backward_grad_input>(
        meta::upsample_nearest1d_backward_symint_outf),
    torch<op::upsample_nearest2d>(meta::upsample_nearest2d_symint),
    torch<op::upsample_nearest2d_out>(meta::upsample_nearest2d_symint_outf),
    torch<op::upsample_nearest2d_backward>(meta::upsample_nearest2d_backward_symint),
    torch<op::upsample_nearest2d_backward_grad_input>(
        meta::upsample_nearest2d_backward_symint_outf),
    torch<op::upsample_nearest3d>(meta::upsample_nearest3d_symint),
    torch<op::upsample_nearest3d_out>(meta::upsample_nearest3d_symint_outf),
    torch<op::upsample_nearest3d_backward>(meta::upsample_nearest3d_backward_symint),
    torch<op::upsample_nearest3d_backward_grad_input>(
        meta::upsample_nearest3d_backward_symint_outf),
    torch<op::upsample_trilinear3d>(meta::upsample_trilinear3d_symint),
    torch<op::upsample_trilinear3d_out>(meta::upsample_trilinear3d_symint_outf),
    torch<op::upsample_trilinear3d_backward>(meta::upsample_trilinear3d_backward_symint),
    torch<op::upsample_trilinear3d_backward_grad_input>(
        meta::upsample_trilinear3d_backward_symint_outf),
};

}  // namespace

std::span<const Row> image_rows() { return kRows; }

}  // namespace moai::front::shape
