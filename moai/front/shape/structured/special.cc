// Special functions.
#include <ATen/MetaFunctions.h>

#include "moai/front/shape/rows.h"

namespace moai::front::shape {
namespace {

namespace meta = at::meta;
namespace op = at::_ops;

const Row kRows[] = {
    torch<op::special_airy_ai>(meta::special_airy_ai),
    torch<op::special_airy_ai_out>(meta::special_airy_ai_outf),
    torch<op::special_bessel_j0>(meta::special_bessel_j0),
    torch<op::special_bessel_j0_out>(meta::special_bessel_j0_outf),
    torch<op::special_bessel_j1>(meta::special_bessel_j1),
    torch<op::special_bessel_j1_out>(meta::special_bessel_j1_outf),
    torch<op::special_bessel_y0>(meta::special_bessel_y0),
    torch<op::special_bessel_y0_out>(meta::special_bessel_y0_outf),
    torch<op::special_bessel_y1>(meta::special_bessel_y1),
    torch<op::special_bessel_y1_out>(meta::special_bessel_y1_outf),
    torch<op::special_chebyshev_polynomial_t>(meta::special_chebyshev_polynomial_t),
    torch<op::special_chebyshev_polynomial_t_out>(meta::special_chebyshev_polynomial_t_outf),
    torch<op::special_chebyshev_polynomial_u>(meta::special_chebyshev_polynomial_u),
    torch<op::special_chebyshev_polynomial_u_out>(meta::special_chebyshev_polynomial_u_outf),
    torch<op::special_chebyshev_polynomial_v>(meta::special_chebyshev_polynomial_v),
    torch<op::special_chebyshev_polynomial_v_out>(meta::special_chebyshev_polynomial_v_outf),
    torch<op::special_chebyshev_polynomial_w>(meta::special_chebyshev_polynomial_w),
    torch<op::special_chebyshev_polynomial_w_out>(meta::special_chebyshev_polynomial_w_outf),
    torch<op::special_entr>(meta::special_entr),
    torch<op::special_entr_out>(meta::special_entr_outf),
    torch<op::special_erfcx>(meta::special_erfcx),
    torch<op::special_erfcx_out>(meta::special_erfcx_outf),
    torch<op::special_hermite_polynomial_h>(meta::special_hermite_polynomial_h),
    torch<op::special_hermite_polynomial_h_out>(meta::special_hermite_polynomial_h_outf),
    torch<op::special_hermite_polynomial_he>(meta::special_hermite_polynomial_he),
    torch<op::special_hermite_polynomial_he_out>(meta::special_hermite_polynomial_he_outf),
    torch<op::special_i0e>(meta::special_i0e),
    torch<op::special_i0e_out>(meta::special_i0e_outf),
    torch<op::special_i1>(meta::special_i1),
    torch<op::special_i1_out>(meta::special_i1_outf),
    torch<op::special_i1e>(meta::special_i1e),
    torch<op::special_i1e_out>(meta::special_i1e_outf),
    torch<op::special_laguerre_polynomial_l>(meta::special_laguerre_polynomial_l),
    torch<op::special_laguerre_polynomial_l_out>(meta::special_laguerre_polynomial_l_outf),
    torch<op::special_legendre_polynomial_p>(meta::special_legendre_polynomial_p),
    torch<op::special_legendre_polynomial_p_out>(meta::special_legendre_polynomial_p_outf),
    torch<op::special_log_ndtr>(meta::special_log_ndtr),
    torch<op::special_log_ndtr_out>(meta::special_log_ndtr_outf),
    torch<op::special_modified_bessel_i0>(meta::special_modified_bessel_i0),
    torch<op::special_modified_bessel_i0_out>(meta::special_modified_bessel_i0_outf),
    torch<op::special_modified_bessel_i1>(meta::special_modified_bessel_i1),
    torch<op::special_modified_bessel_i1_out>(meta::special_modified_bessel_i1_outf),
    torch<op::special_modified_bessel_k0>(meta::special_modified_bessel_k0),
    torch<op::special_modified_bessel_k0_out>(meta::special_modified_bessel_k0_outf),
    torch<op::special_modified_bessel_k1>(meta::special_modified_bessel_k1),
    torch<op::special_modified_bessel_k1_out>(meta::special_modified_bessel_k1_outf),
    torch<op::special_ndtri>(meta::special_ndtri),
    torch<op::special_ndtri_out>(meta::special_ndtri_outf),
    torch<op::special_scaled_modified_bessel_k0>(meta::special_scaled_modified_bessel_k0),
    torch<op::special_scaled_modified_bessel_k0_out>(meta::special_scaled_modified_bessel_k0_outf),
    torch<op::special_scaled_modified_bessel_k1>(meta::special_scaled_modified_bessel_k1),
    torch<op::special_scaled_modified_bessel_k1_out>(meta::special_scaled_modified_bessel_k1_outf),
    torch<op::special_shifted_chebyshev_polynomial_t>(meta::special_shifted_chebyshev_polynomial_t),
    torch<op::special_shifted_chebyshev_polynomial_t_out>(
        meta::special_shifted_chebyshev_polynomial_t_outf),
    torch<op::special_shifted_chebyshev_polynomial_u>(meta::special_shifted_chebyshev_polynomial_u),
    torch<op::special_shifted_chebyshev_polynomial_u_out>(
        meta::special_shifted_chebyshev_polynomial_u_outf),
    torch<op::special_shifted_chebyshev_polynomial_v>(meta::special_shifted_chebyshev_polynomial_v),
    torch<op::special_shifted_chebyshev_polynomial_v_out>(
        meta::special_shifted_chebyshev_polynomial_v_outf),
    torch<op::special_shifted_chebyshev_polynomial_w>(meta::special_shifted_chebyshev_polynomial_w),
    torch<op::special_shifted_chebyshev_polynomial_w_out>(
        meta::special_shifted_chebyshev_polynomial_w_outf),
    torch<op::special_spherical_bessel_j0>(meta::special_spherical_bessel_j0),
    torch<op::special_spherical_bessel_j0_out>(meta::special_spherical_bessel_j0_outf),
    torch<op::special_xlog1py>(meta::special_xlog1py),
    torch<op::special_xlog1py_out>(meta::special_xlog1py_outf),
    torch<op::special_zeta>(meta::special_zeta),
    torch<op::special_zeta_out>(meta::special_zeta_outf),
};

}  // namespace

std::span<const Row> special_rows() { return kRows; }

}  // namespace moai::front::shape
