// Operators over lists of tensors, as their CPU kernels do it: item by item.
#include <ATen/MetaFunctions.h>

#include "moai/front/shape/meta_tensor.h"
#include "moai/front/shape/rows.h"

namespace moai::front::shape {
namespace {

namespace meta = at::meta;
namespace op = at::_ops;
using at::Scalar;
using at::Tensor;
using at::TensorList;
using Scalars = at::ArrayRef<Scalar>;
using Results = std::vector<Tensor>;

void check_lengths(size_t tensors, size_t others) {
  TORCH_CHECK(tensors > 0, "Tensor list must have at least one tensor.");
  TORCH_CHECK(tensors == others, "Tensor lists must have the same number of tensors, got ", tensors,
              " and ", others);
}

void check_numbers(size_t tensors, size_t numbers) {
  TORCH_CHECK(tensors > 0, "Tensor list must have at least one tensor.");
  TORCH_CHECK(tensors == numbers, "Tensor list must have same number of elements as scalar list.");
}

template <class F>
Results for_each(TensorList self, const F& result) {
  TORCH_CHECK(!self.empty(), "Tensor list must have at least one tensor.");
  Results results;
  results.reserve(self.size());
  for (size_t i = 0; i < self.size(); ++i) results.push_back(result(meta_of(self[i]), i));
  return results;
}

template <Tensor (*F)(const Tensor&)>
Results each(TensorList self) {
  return for_each(self, [](const Tensor& t, size_t) { return F(t); });
}

using Pair = Tensor (*)(const Tensor&, const Tensor&);

template <Pair F>
Results with_list(TensorList self, TensorList others) {
  check_lengths(self.size(), others.size());
  return for_each(self, [&](const Tensor& t, size_t i) { return F(t, meta_of(others[i])); });
}
template <Pair F>
Results with_list_times(TensorList self, TensorList others, const Scalar&) {
  return with_list<F>(self, others);
}
template <Pair F>
Results with_number(TensorList self, const Scalar& number) {
  return for_each(self, [&](const Tensor& t, size_t) { return F(t, operand(number)); });
}
template <Pair F>
Results with_numbers(TensorList self, Scalars numbers) {
  check_numbers(self.size(), numbers.size());
  return for_each(self, [&](const Tensor& t, size_t i) { return F(t, operand(numbers[i])); });
}
template <Pair F>
Results with_tensor(TensorList self, const Tensor& other) {
  return for_each(self, [&](const Tensor& t, size_t) { return F(t, meta_of(other)); });
}
template <Pair F>
Results with_tensor_times(TensorList self, const Tensor& other, const Scalar&) {
  return with_tensor<F>(self, other);
}

using Triple = Tensor (*)(const Tensor&, const Tensor&, const Tensor&);

template <Triple F>
Results with_two_lists(TensorList self, TensorList first, TensorList second, const Scalar&) {
  check_lengths(self.size(), first.size());
  check_lengths(self.size(), second.size());
  return for_each(
      self, [&](const Tensor& t, size_t i) { return F(t, meta_of(first[i]), meta_of(second[i])); });
}
template <Triple F>
Results with_two_lists_and_numbers(TensorList self, TensorList first, TensorList second,
                                   Scalars numbers) {
  check_numbers(self.size(), numbers.size());
  return with_two_lists<F>(self, first, second, 1);
}
template <Triple F>
Results with_two_lists_and_tensor(TensorList self, TensorList first, TensorList second,
                                  const Tensor&) {
  return with_two_lists<F>(self, first, second, 1);
}

Tensor add(const Tensor& a, const Tensor& b) { return meta::add(a, b); }
Tensor sub(const Tensor& a, const Tensor& b) { return meta::sub(a, b); }
Tensor div(const Tensor& a, const Tensor& b) { return meta::div(a, b); }
Tensor power(const Tensor& a, const Tensor& b) { return meta::pow(a, b); }
Tensor addcmul(const Tensor& a, const Tensor& b, const Tensor& c) { return meta::addcmul(a, b, c); }
Tensor addcdiv(const Tensor& a, const Tensor& b, const Tensor& c) { return meta::addcdiv(a, b, c); }

Results lerp(TensorList self, TensorList ends, const Scalar& weight) {
  check_lengths(self.size(), ends.size());
  return for_each(
      self, [&](const Tensor& t, size_t i) { return meta::lerp(t, meta_of(ends[i]), weight); });
}

Results lerp_by_list(TensorList self, TensorList ends, TensorList weights) {
  check_lengths(self.size(), ends.size());
  check_lengths(self.size(), weights.size());
  return for_each(self, [&](const Tensor& t, size_t i) {
    return meta::lerp(t, meta_of(ends[i]), meta_of(weights[i]));
  });
}

Results absolute(TensorList self) {
  return for_each(self, [](const Tensor& t, size_t) {
    return pointwise(t, c10::toRealValueType(t.scalar_type()));
  });
}

Results norm(TensorList self, const Scalar&, std::optional<c10::ScalarType> type) {
  return for_each(self, [&](const Tensor& t, size_t) {
    return fresh({}, c10::toRealValueType(type.value_or(t.scalar_type())));
  });
}

Results clone(TensorList self, std::optional<c10::MemoryFormat> format) {
  const auto wanted = format.value_or(c10::MemoryFormat::Preserve);
  return for_each(self, [&](const Tensor& t, size_t) {
    return wanted == c10::MemoryFormat::Preserve ? like(t)
                                                 : fresh(t.sizes(), t.scalar_type(), wanted);
  });
}

const Row kRows[] = {
    ours<op::_foreach_exp>(each<meta::exp>),
    ours<op::_foreach_sqrt>(each<meta::sqrt>),
    ours<op::_foreach_rsqrt>(each<meta::rsqrt>),
    ours<op::_foreach_neg>(each<meta::neg>),
    ours<op::_foreach_reciprocal>(each<meta::reciprocal>),
    ours<op::_foreach_sigmoid>(each<meta::sigmoid>),
    ours<op::_foreach_tanh>(each<meta::tanh>),
    ours<op::_foreach_log>(each<meta::log>),
    ours<op::_foreach_log2>(each<meta::log2>),
    ours<op::_foreach_log10>(each<meta::log10>),
    ours<op::_foreach_log1p>(each<meta::log1p>),
    ours<op::_foreach_expm1>(each<meta::expm1>),
    ours<op::_foreach_sin>(each<meta::sin>),
    ours<op::_foreach_cos>(each<meta::cos>),
    ours<op::_foreach_tan>(each<meta::tan>),
    ours<op::_foreach_sinh>(each<meta::sinh>),
    ours<op::_foreach_cosh>(each<meta::cosh>),
    ours<op::_foreach_asin>(each<meta::asin>),
    ours<op::_foreach_acos>(each<meta::acos>),
    ours<op::_foreach_atan>(each<meta::atan>),
    ours<op::_foreach_erf>(each<meta::erf>),
    ours<op::_foreach_erfc>(each<meta::erfc>),
    ours<op::_foreach_ceil>(each<meta::ceil>),
    ours<op::_foreach_floor>(each<meta::floor>),
    ours<op::_foreach_round>(each<meta::round>),
    ours<op::_foreach_trunc>(each<meta::trunc>),
    ours<op::_foreach_frac>(each<meta::frac>),
    ours<op::_foreach_sign>(each<meta::sign>),
    ours<op::_foreach_lgamma>(each<meta::lgamma>),
    ours<op::_foreach_add_List>(with_list_times<add>),
    ours<op::_foreach_add_Scalar>(with_number<add>),
    ours<op::_foreach_add_ScalarList>(with_numbers<add>),
    ours<op::_foreach_sub_List>(with_list_times<sub>),
    ours<op::_foreach_sub_Scalar>(with_number<sub>),
    ours<op::_foreach_sub_ScalarList>(with_numbers<sub>),
    ours<op::_foreach_add_Tensor>(with_tensor_times<add>),
    ours<op::_foreach_mul_List>(with_list<meta::mul>),
    ours<op::_foreach_mul_Scalar>(with_number<meta::mul>),
    ours<op::_foreach_mul_ScalarList>(with_numbers<meta::mul>),
    ours<op::_foreach_div_List>(with_list<div>),
    ours<op::_foreach_div_Scalar>(with_number<div>),
    ours<op::_foreach_div_ScalarList>(with_numbers<div>),
    ours<op::_foreach_maximum_List>(with_list<meta::maximum>),
    ours<op::_foreach_minimum_List>(with_list<meta::minimum>),
    ours<op::_foreach_pow_List>(with_list<power>),
    ours<op::_foreach_pow_Scalar>(with_number<power>),
    ours<op::_foreach_pow_ScalarList>(with_numbers<power>),
    ours<op::_foreach_clamp_min_List>(with_list<meta::maximum>),
    ours<op::_foreach_clamp_max_List>(with_list<meta::minimum>),
    ours<op::_foreach_mul_Tensor>(with_tensor<meta::mul>),
    ours<op::_foreach_div_Tensor>(with_tensor<div>),
    ours<op::_foreach_addcmul_Scalar>(with_two_lists<addcmul>),
    ours<op::_foreach_addcmul_ScalarList>(with_two_lists_and_numbers<addcmul>),
    ours<op::_foreach_addcmul_Tensor>(with_two_lists_and_tensor<addcmul>),
    ours<op::_foreach_addcdiv_Scalar>(with_two_lists<addcdiv>),
    ours<op::_foreach_addcdiv_ScalarList>(with_two_lists_and_numbers<addcdiv>),
    ours<op::_foreach_addcdiv_Tensor>(with_two_lists_and_tensor<addcdiv>),
    ours<op::_foreach_lerp_Scalar>(lerp),
    ours<op::_foreach_lerp_List>(lerp_by_list),
    ours<op::_foreach_abs>(absolute),
    ours<op::_foreach_norm_Scalar>(norm),
    ours<op::_foreach_clone>(clone),
};

}  // namespace

std::span<const Row> foreach_rows() { return kRows; }

}  // namespace moai::front::shape
