// Operators that write an argument and leave its shape alone.
#include "moai/front/shape/rows.h"

namespace moai::front::shape {
namespace {

namespace op = at::_ops;

at::Tensor& masked_scatter_(at::Tensor& self, const at::Tensor& mask, const at::Tensor&) {
  TORCH_CHECK(mask.scalar_type() == at::kBool,
              "masked_scatter_ only supports boolean masks, but got mask with dtype ",
              mask.scalar_type());
  return self;
}

const Row kRows[] = {
    keeps<op::zero_>(),
    keeps<op::fill__Scalar>(),
    keeps<op::fill__Tensor>(),
    keeps<op::relu_>(),
    keeps<op::hardtanh_>(),
    keeps<op::hardswish_>(),
    keeps<op::celu_>(),
    keeps<op::nan_to_num_>(),
    keeps<op::logical_not_>(),
    keeps<op::normal_>(),
    keeps<op::uniform_>(),
    keeps<op::random_>(),
    keeps<op::random__from>(),
    keeps<op::random__to>(),
    keeps<op::bernoulli__float>(),
    keeps<op::bernoulli__Tensor>(),
    keeps<op::exponential_>(),
    keeps<op::geometric_>(),
    keeps<op::cauchy_>(),
    keeps<op::log_normal_>(),
    keeps<op::index_put_>(),
    keeps<op::_index_put_impl_>(),
    keeps<op::index_fill__int_Scalar>(),
    keeps<op::index_fill__int_Tensor>(),
    keeps<op::put_>(),
    ours<op::masked_scatter_>(masked_scatter_),
    keeps<op::embedding_renorm_>(),
    keeps<op::rrelu_with_noise_>(),
    keeps<op::_amp_update_scale_>(),
};

}  // namespace

std::span<const Row> keeping_rows() { return kRows; }

}  // namespace moai::front::shape
