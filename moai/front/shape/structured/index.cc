// Gather, scatter, join and order.
#include <ATen/MetaFunctions.h>

#include "moai/front/shape/rows.h"

namespace moai::front::shape {
namespace {

namespace meta = at::meta;
namespace op = at::_ops;

const Row kRows[] = {
    torch<op::cat>(meta::cat),
    torch<op::cat_out>(meta::cat_outf),
    torch<op::gather>(meta::gather),
    torch<op::gather_out>(meta::gather_outf),
    torch<op::index_Tensor>(meta::index),
    torch<op::index_Tensor_out>(meta::index_outf),
    torch<op::index_add>(meta::index_add),
    torch<op::index_add_out>(meta::index_add_outf),
    torch<op::index_add_>(meta::index_add_),
    torch<op::index_copy>(meta::index_copy),
    torch<op::index_copy_out>(meta::index_copy_outf),
    torch<op::index_copy_>(meta::index_copy_),
    torch<op::index_reduce>(meta::index_reduce),
    torch<op::index_reduce_out>(meta::index_reduce_outf),
    torch<op::index_reduce_>(meta::index_reduce_),
    torch<op::scatter_reduce>(meta::scatter),
    torch<op::scatter_reduce_out>(meta::scatter_outf),
    torch<op::scatter_src>(meta::scatter),
    torch<op::scatter_src_out>(meta::scatter_outf),
    torch<op::scatter_value>(meta::scatter),
    torch<op::scatter_value_out>(meta::scatter_outf),
    torch<op::scatter_value_reduce>(meta::scatter),
    torch<op::scatter_value_reduce_out>(meta::scatter_outf),
    torch<op::scatter__reduce>(meta::scatter_),
    torch<op::scatter__src>(meta::scatter_),
    torch<op::scatter__value>(meta::scatter_),
    torch<op::scatter__value_reduce>(meta::scatter_),
    torch<op::scatter_add>(meta::scatter_add),
    torch<op::scatter_add_out>(meta::scatter_add_outf),
    torch<op::scatter_add_>(meta::scatter_add_),
    torch<op::scatter_reduce_two>(meta::scatter_reduce),
    torch<op::scatter_reduce_two_out>(meta::scatter_reduce_outf),
    torch<op::scatter_reduce__two>(meta::scatter_reduce_),
    torch<op::sort_stable>(meta::sort),
    torch<op::sort_values_stable>(meta::sort_outf),
    torch<op::topk>(meta::topk_symint),
    torch<op::topk_values>(meta::topk_symint_outf),
    torch<op::tril>(meta::tril_symint),
    torch<op::tril_out>(meta::tril_symint_outf),
    torch<op::tril_>(meta::tril__symint),
    torch<op::triu>(meta::triu_symint),
    torch<op::triu_out>(meta::triu_symint_outf),
    torch<op::triu_>(meta::triu__symint),
};

}  // namespace

std::span<const Row> index_rows() { return kRows; }

}  // namespace moai::front::shape
