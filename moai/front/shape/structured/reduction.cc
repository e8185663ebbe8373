// Reductions and scans.
#include <ATen/MetaFunctions.h>

#include "moai/front/shape/rows.h"

namespace moai::front::shape {
namespace {

namespace meta = at::meta;
namespace op = at::_ops;

const Row kRows[] = {
    torch<op::all>(meta::all),
    torch<op::all_all_out>(meta::all_outf),
    torch<op::all_dim>(meta::all),
    torch<op::all_dims>(meta::all),
    torch<op::all_dims_out>(meta::all_outf),
    torch<op::all_out>(meta::all_outf),
    torch<op::amax>(meta::amax),
    torch<op::amax_out>(meta::amax_outf),
    torch<op::amin>(meta::amin),
    torch<op::amin_out>(meta::amin_outf),
    torch<op::aminmax>(meta::aminmax),
    torch<op::aminmax_out>(meta::aminmax_outf),
    torch<op::any>(meta::any),
    torch<op::any_all_out>(meta::any_outf),
    torch<op::any_dim>(meta::any),
    torch<op::any_dims>(meta::any),
    torch<op::any_dims_out>(meta::any_outf),
    torch<op::any_out>(meta::any_outf),
    torch<op::argmax>(meta::argmax),
    torch<op::argmax_out>(meta::argmax_outf),
    torch<op::argmin>(meta::argmin),
    torch<op::argmin_out>(meta::argmin_outf),
    torch<op::cumprod>(meta::cumprod),
    torch<op::cumprod_out>(meta::cumprod_outf),
    torch<op::cumprod_>(meta::cumprod_),
    torch<op::cumsum>(meta::cumsum),
    torch<op::cumsum_out>(meta::cumsum_outf),
    torch<op::cumsum_>(meta::cumsum_),
    torch<op::linalg_vector_norm>(meta::linalg_vector_norm),
    torch<op::linalg_vector_norm_out>(meta::linalg_vector_norm_outf),
    torch<op::max_dim>(meta::max),
    torch<op::max_dim_max>(meta::max_outf),
    torch<op::mean_dim>(meta::mean),
    torch<op::mean_out>(meta::mean_outf),
    torch<op::min_dim>(meta::min),
    torch<op::min_dim_min>(meta::min_outf),
    torch<op::norm_ScalarOpt_dim>(meta::norm),
    torch<op::norm_ScalarOpt_dim_dtype>(meta::norm),
    torch<op::norm_dtype_out>(meta::norm_outf),
    torch<op::norm_out>(meta::norm_outf),
    torch<op::prod_dim_int>(meta::prod),
    torch<op::prod_int_out>(meta::prod_outf),
    torch<op::renorm>(meta::renorm),
    torch<op::renorm_out>(meta::renorm_outf),
    torch<op::renorm_>(meta::renorm_),
    torch<op::sum_IntList_out>(meta::sum_outf),
    torch<op::sum_dim_IntList>(meta::sum),
};

}  // namespace

std::span<const Row> reduction_rows() { return kRows; }

}  // namespace moai::front::shape
