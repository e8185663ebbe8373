// Reductions without a structured kernel.
#include <ATen/MetaFunctions.h>

#include "moai/front/shape/meta_tensor.h"
#include "moai/front/shape/rows.h"

namespace moai::front::shape {
namespace {

namespace op = at::_ops;
using at::OptionalIntArrayRef;
using at::Scalar;
using at::Tensor;
using Type = std::optional<c10::ScalarType>;

Tensor meta(const Tensor& t) { return fresh(t.sizes(), t.strides(), t.scalar_type()); }

Tensor sum(const Tensor& self, Type type) {
  return at::meta::sum(meta(self), at::IntArrayRef{}, false, type);
}

Tensor mean(const Tensor& self, Type type) {
  return at::meta::mean(meta(self), at::IntArrayRef{}, false, type);
}

Tensor product(const Tensor& self, Type type) {
  return fresh({},
               type.value_or(c10::isIntegralType(self.scalar_type(), true) ? at::kLong
                                                                           : self.scalar_type()));
}

Tensor extremum(const Tensor& self, const char* name) {
  TORCH_CHECK(self.numel() > 0, name,
              "(): Expected reduction dim to be specified for input.numel() == 0. Specify the "
              "reduction dim with the 'dim' argument.");
  return fresh({}, self.scalar_type());
}
Tensor max(const Tensor& self) { return extremum(self, "max"); }
Tensor min(const Tensor& self) { return extremum(self, "min"); }

Tensor spread(const Tensor& self, OptionalIntArrayRef dim, bool keep, const char* name,
              c10::ScalarType type) {
  TORCH_CHECK(c10::isFloatingType(self.scalar_type()) || c10::isComplexType(self.scalar_type()),
              name, " only support floating point and complex dtypes");
  const Tensor shape =
      at::meta::sum(fresh(self.sizes(), self.strides(), at::kFloat), dim, keep, std::nullopt);
  return fresh(shape.sizes(), type);
}

Tensor variance(const Tensor& self, OptionalIntArrayRef dim, const std::optional<Scalar>&,
                bool keep) {
  return spread(self, dim, keep, "std and var", c10::toRealValueType(self.scalar_type()));
}

using Two = std::tuple<Tensor, Tensor>;

Two spread_and_mean(const Tensor& self, OptionalIntArrayRef dim, bool keep, const char* name) {
  const auto type = self.scalar_type();
  return {spread(self, dim, keep, name, c10::toRealValueType(type)),
          spread(self, dim, keep, name, type)};
}

Two variance_and_mean(const Tensor& self, OptionalIntArrayRef dim, const std::optional<Scalar>&,
                      bool keep) {
  return spread_and_mean(self, dim, keep, "var_mean");
}

Two deviation_and_mean(const Tensor& self, OptionalIntArrayRef dim, const std::optional<Scalar>&,
                       bool keep) {
  return spread_and_mean(self, dim, keep, "std_mean");
}

Tensor logsumexp(const Tensor& self, at::IntArrayRef dim, bool keep) {
  const auto type = self.scalar_type();
  const Tensor shape =
      at::meta::sum(fresh(self.sizes(), self.strides(), at::kFloat), dim, keep, std::nullopt);
  return fresh(shape.sizes(), c10::isIntegralType(type, true)
                                  ? c10::typeMetaToScalarType(c10::get_default_dtype())
                                  : type);
}

const Row kRows[] = {
    ours<op::sum>(sum),
    ours<op::mean>(mean),
    ours<op::prod>(product),
    ours<op::max>(max),
    ours<op::min>(min),
    ours<op::var_correction>(variance),
    ours<op::std_correction>(variance),
    ours<op::var_mean_correction>(variance_and_mean),
    ours<op::std_mean_correction>(deviation_and_mean),
    ours<op::logsumexp>(logsumexp),
};

}  // namespace

std::span<const Row> statistics_rows() { return kRows; }

}  // namespace moai::front::shape
