// Products and decompositions of matrices.
#include <ATen/MetaFunctions.h>

#include "moai/front/shape/rows.h"

namespace moai::front::shape {
namespace {

namespace meta = at::meta;
namespace op = at::_ops;

const Row kRows[] = {
    torch<op::_addmm_activation>(meta::_addmm_activation),
    torch<op::_addmm_activation_out>(meta::_addmm_activation_outf),
    torch<op::_linalg_det>(meta::_linalg_det),
    torch<op::_linalg_det_result>(meta::_linalg_det_outf),
    torch<op::_linalg_eigh>(meta::_linalg_eigh),
    torch<op::_linalg_eigh_eigenvalues>(meta::_linalg_eigh_outf),
    torch<op::_linalg_slogdet>(meta::_linalg_slogdet),
    torch<op::_linalg_slogdet_sign>(meta::_linalg_slogdet_outf),
    torch<op::_linalg_solve_ex>(meta::_linalg_solve_ex),
    torch<op::_linalg_solve_ex_result>(meta::_linalg_solve_ex_outf),
    torch<op::_linalg_svd>(meta::_linalg_svd),
    torch<op::_linalg_svd_U>(meta::_linalg_svd_outf),
    torch<op::addmm_out>(meta::addmm_outf),
    torch<op::addmm_>(meta::addmm_),
    torch<op::addmv>(meta::addmv),
    torch<op::addmv_out>(meta::addmv_outf),
    torch<op::addmv_>(meta::addmv_),
    torch<op::baddbmm>(meta::baddbmm),
    torch<op::baddbmm_out>(meta::baddbmm_outf),
    torch<op::baddbmm_>(meta::baddbmm_),
    torch<op::bmm>(meta::bmm),
    torch<op::bmm_out>(meta::bmm_outf),
    torch<op::linalg_cholesky_ex>(meta::linalg_cholesky_ex),
    torch<op::linalg_cholesky_ex_L>(meta::linalg_cholesky_ex_outf),
    torch<op::linalg_cross>(meta::linalg_cross),
    torch<op::linalg_cross_out>(meta::linalg_cross_outf),
    torch<op::linalg_inv_ex>(meta::linalg_inv_ex),
    torch<op::linalg_inv_ex_inverse>(meta::linalg_inv_ex_outf),
    torch<op::linalg_ldl_factor_ex>(meta::linalg_ldl_factor_ex),
    torch<op::linalg_ldl_factor_ex_out>(meta::linalg_ldl_factor_ex_outf),
    torch<op::linalg_ldl_solve>(meta::linalg_ldl_solve),
    torch<op::linalg_ldl_solve_out>(meta::linalg_ldl_solve_outf),
    torch<op::linalg_lu>(meta::linalg_lu),
    torch<op::linalg_lu_out>(meta::linalg_lu_outf),
    torch<op::linalg_lu_factor_ex>(meta::linalg_lu_factor_ex),
    torch<op::linalg_lu_factor_ex_out>(meta::linalg_lu_factor_ex_outf),
    torch<op::linalg_lu_solve>(meta::linalg_lu_solve),
    torch<op::linalg_lu_solve_out>(meta::linalg_lu_solve_outf),
    torch<op::linalg_qr>(meta::linalg_qr),
    torch<op::linalg_qr_out>(meta::linalg_qr_outf),
    torch<op::lu_unpack>(meta::lu_unpack),
    torch<op::lu_unpack_out>(meta::lu_unpack_outf),
    torch<op::mm_out>(meta::mm_outf),
    torch<op::triangular_solve>(meta::triangular_solve),
    torch<op::triangular_solve_X>(meta::triangular_solve_outf),
};

}  // namespace

std::span<const Row> algebra_rows() { return kRows; }

}  // namespace moai::front::shape
