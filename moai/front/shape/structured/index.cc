// Gather, scatter, join and order.
#include <ATen/MetaFunctions.h>
#include <ATen/WrapDimUtils.h>

#include "moai/front/shape/meta_tensor.h"
#include "moai/front/shape/rows.h"

namespace moai::front::shape {
namespace {

namespace meta = at::meta;
namespace op = at::_ops;

using at::Scalar;
using at::Tensor;

// torch's function looks at the first of what is added, where there may be none: one it gets.
struct Added {
  Added(const Tensor& self, int64_t dim, const Tensor& given_index, const Tensor& given_source)
      : index(given_index), source(given_source) {
    if (index.numel() != 0 || source.dim() == 0 || source.dim() != self.dim()) return;
    const auto at = static_cast<size_t>(at::maybe_wrap_dim(dim, source.dim()));
    std::vector<int64_t> sizes = self.sizes().vec();
    sizes[at] = 0;
    TORCH_CHECK(source.sizes() == at::IntArrayRef(sizes),
                "source tensor shape must match self tensor shape, excluding the specified "
                "dimension. Got self.shape = ",
                self.sizes(), " source.shape = ", source.sizes());
    sizes[at] = 1;
    index = fresh({1}, index.scalar_type());
    source = fresh(sizes, source.scalar_type());
  }
  Tensor index, source;
};

Tensor index_add(const Tensor& self, int64_t dim, const Tensor& index, const Tensor& source,
                 const Scalar& alpha) {
  const Added added(self, dim, index, source);
  return meta::index_add(self, dim, added.index, added.source, alpha);
}
Tensor& index_add_(Tensor& self, int64_t dim, const Tensor& index, const Tensor& source,
                   const Scalar& alpha) {
  const Added added(self, dim, index, source);
  return meta::index_add_(self, dim, added.index, added.source, alpha);
}
Tensor& index_add_out(const Tensor& self, int64_t dim, const Tensor& index, const Tensor& source,
                      const Scalar& alpha, Tensor& out) {
  const Added added(self, dim, index, source);
  return meta::index_add_outf(self, dim, added.index, added.source, alpha, out);
}

const Row kRows[] = {
    torch<op::cat>(meta::cat),
    torch<op::cat_out>(meta::cat_outf),
    torch<op::gather>(meta::gather),
    torch<op::gather_out>(meta::gather_outf),
    torch<op::index_Tensor>(meta::index),
    torch<op::index_Tensor_out>(meta::index_outf),
    torch<op::index_add>(index_add),
    torch<op::index_add_out>(index_add_out),
    torch<op::index_add_>(index_add_),
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
