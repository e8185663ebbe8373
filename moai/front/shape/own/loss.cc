// Losses that torch computes without a structured kernel.
#include <ATen/core/Reduction.h>

#include "moai/front/shape/meta_tensor.h"
#include "moai/front/shape/rows.h"

namespace moai::front::shape {
namespace {

namespace op = at::_ops;
using at::Tensor;
using OptionalTensor = std::optional<Tensor>;

Tensor reduced(const Tensor& each, int64_t reduction) {
  return reduction == at::Reduction::None ? each : fresh({}, each.scalar_type());
}

// Backward of the element-wise losses: contiguous, as large as the prediction.
Tensor gradient(const Tensor& grad, const Tensor& self, const Tensor& target) {
  pointwise(self, target, grad, self.scalar_type());
  return fresh(self.sizes(), self.scalar_type());
}

Tensor mse_loss_backward(const Tensor& grad, const Tensor& self, const Tensor& target, int64_t) {
  return gradient(grad, self, target);
}

Tensor smooth_l1_loss_backward(const Tensor& grad, const Tensor& self, const Tensor& target,
                               int64_t, double) {
  return gradient(grad, self, target);
}

Tensor huber_loss(const Tensor& self, const Tensor& target, int64_t reduction, double delta) {
  TORCH_CHECK(delta > 0, "huber_loss does not support non-positive values for delta.");
  return reduced(pointwise(self, target, self.scalar_type()), reduction);
}

void check_same(const Tensor& self, const Tensor& target, const char* name) {
  TORCH_CHECK(self.sizes() == target.sizes(), name, ": target and input must have the same size, ",
              "but target size is ", target.sizes(), " and input size is ", self.sizes());
}

Tensor binary_cross_entropy(const Tensor& self, const Tensor& target, const OptionalTensor&,
                            int64_t reduction) {
  check_same(self, target, "binary_cross_entropy");
  return reduced(like(self), reduction);
}

Tensor binary_cross_entropy_backward(const Tensor&, const Tensor& self, const Tensor& target,
                                     const OptionalTensor&, int64_t) {
  return like(self);
}

Tensor binary_cross_entropy_with_logits(const Tensor& self, const Tensor& target,
                                        const OptionalTensor&, const OptionalTensor&,
                                        int64_t reduction) {
  check_fits(target, self);
  return reduced(pointwise(target, target.scalar_type()), reduction);
}

std::tuple<Tensor, Tensor> nll_loss2d_forward(const Tensor& self, const Tensor& target,
                                              const OptionalTensor&, int64_t reduction, int64_t) {
  TORCH_CHECK(
      target.dim() == 3,
      "only batches of spatial targets supported (3D tensors) but got targets of dimension: ",
      target.dim());
  TORCH_CHECK(self.dim() == 4,
              "only batches of spatial inputs supported (4D tensors), but got input of dimension: ",
              self.dim());
  TORCH_CHECK(self.size(0) == target.size(0) && self.size(2) == target.size(1) &&
                  self.size(3) == target.size(2),
              "size mismatch (got input: ", self.sizes(), " , target: ", target.sizes());
  return {reduced(fresh(target.sizes(), self.scalar_type()), reduction),
          fresh({}, self.scalar_type())};
}

Tensor nll_loss2d_backward(const Tensor&, const Tensor& self, const Tensor&, const OptionalTensor&,
                           int64_t, int64_t, const Tensor&) {
  return fresh(self.sizes(), self.scalar_type());
}

const Row kRows[] = {
    ours<op::mse_loss_backward>(mse_loss_backward),
    ours<op::smooth_l1_loss_backward>(smooth_l1_loss_backward),
    ours<op::huber_loss>(huber_loss),
    ours<op::huber_loss_backward>(smooth_l1_loss_backward),
    ours<op::binary_cross_entropy>(binary_cross_entropy),
    ours<op::binary_cross_entropy_backward>(binary_cross_entropy_backward),
    ours<op::binary_cross_entropy_with_logits>(binary_cross_entropy_with_logits),
    ours<op::nll_loss2d_forward>(nll_loss2d_forward),
    ours<op::nll_loss2d_backward>(nll_loss2d_backward),
};

}  // namespace

std::span<const Row> loss_rows() { return kRows; }

}  // namespace moai::front::shape
