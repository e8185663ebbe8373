// Operators that draw into a tensor they make.
#include <ATen/ExpandUtils.h>

#include "moai/front/shape/meta_tensor.h"
#include "moai/front/shape/rows.h"

namespace moai::front::shape {
namespace {

namespace op = at::_ops;
using at::Tensor;
using Generator = std::optional<at::Generator>;

Tensor contiguous(const Tensor& self) { return fresh(self.sizes(), self.scalar_type()); }

Tensor drawn(const Tensor& self, Generator) { return contiguous(self); }
Tensor drawn_with(const Tensor& self, double, Generator) { return contiguous(self); }

Tensor binomial(const Tensor& count, const Tensor& prob, Generator) {
  return fresh(at::infer_size(count.sizes(), prob.sizes()), count.scalar_type());
}

Tensor multinomial(const Tensor& self, int64_t samples, bool replacement, Generator) {
  TORCH_CHECK(self.dim() > 0 && self.dim() <= 2, "prob_dist must be 1 or 2 dim");
  TORCH_CHECK(
      at::isFloatingType(self.scalar_type()),
      "multinomial only supports floating-point dtypes for input, got: ", self.scalar_type());
  TORCH_CHECK(samples > 0, "cannot sample n_sample <= 0 samples");
  TORCH_CHECK(replacement || samples <= self.size(-1),
              "cannot sample n_sample > prob_dist.size(-1) samples without replacement");
  if (self.dim() == 1) return fresh({samples}, at::kLong);
  return fresh({self.size(0), samples}, at::kLong);
}

const Row kRows[] = {
    ours<op::bernoulli>(drawn),         ours<op::bernoulli_p>(drawn_with),
    ours<op::poisson>(drawn),           ours<op::_standard_gamma>(drawn),
    ours<op::_sample_dirichlet>(drawn), ours<op::binomial>(binomial),
    ours<op::multinomial>(multinomial),
};

}  // namespace

std::span<const Row> sampling_rows() { return kRows; }

}  // namespace moai::front::shape
