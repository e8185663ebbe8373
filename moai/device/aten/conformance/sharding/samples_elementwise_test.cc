// Of operators that torch does not tag as pointwise, and of those with rows of their own; for the
// rest sharding_pointwise_test.cc makes calls from their schemas.
#include "moai/device/aten/conformance/sharding/samples_testing.h"

namespace moai::device::sharding {

std::vector<SampleText> elementwise_samples() {
  return {
      {"aten::add.Tensor(f64[4,3], f64[3], word) -> f64[4,3]", {2}},
      {"aten::add_.Tensor(f64[4,3]!, f64[4,1], word) -> _"},
      {"aten::sub.out(f64[4,3], f64[4,3], word, f64[4,3]!) -> _"},
      {"aten::mul.Tensor(f64[4,3], host f64[]w) -> f64[4,3]"},
      {"aten::div.Tensor(f64[4,3], f64[3]) -> f64[4,3]"},
      {"aten::div.Tensor_mode(f64[4,3], f64[3], \"floor\") -> f64[4,3]"},
      {"aten::_to_copy(f64[4,3], 6, none, none, none, false, none) -> f32[4,3]"},
      {"aten::_to_copy(f64[4,3], 4, none, none, none, false, none) -> i64[4,3]"},
      {"aten::_to_copy(f64[4,3], 11, none, none, none, false, none) -> bool[4,3]"},
      {"aten::_to_copy(i64[4,3], 7, none, none, none, false, none) -> f64[4,3]"},
      {"aten::_to_copy(f64[4,3], 7, none, none, none, false, 0) -> f64[4,3]"},
      {"aten::copy_(f64[4,3]!, f64[3], false) -> _"},
      {"aten::copy_(f32[4,3]!, f64[4,1], false) -> _"},
      {"aten::clone(f64[4,3], 0) -> f64[4,3]"},
      {"aten::clone(bool[4,3], 0) -> bool[4,3]"},
      {"aten::fill_.Tensor(f64[4,3]!, f64[]) -> _"},
      {"aten::fill_.Scalar(f64[4,3]!, word) -> _"},
      {"aten::zero_(f64[4,3]!) -> _"},
      {"aten::masked_fill.Scalar(f64[4,3], bool[4,3], word) -> f64[4,3]", {0}},
      {"aten::masked_fill.Scalar(f64[4,3], bool[3], word) -> f64[4,3]", {-2}},
      {"aten::masked_fill_.Tensor(f64[4,3]!, bool[4,3], f64[]) -> _"},
      {"aten::where.self(bool[4,1], f64[4,3], f64[3]) -> f64[4,3]"},
      {"aten::where.ScalarOther(bool[4,3], f64[4,3], word) -> f64[4,3]", {0}},
      {"aten::where.ScalarSelf(bool[4,3], word, f64[4,3]) -> f64[4,3]", {1}},
      {"aten::glu(f64[4,6], 1) -> f64[4,3]"},
      {"aten::glu_backward(f64[4,3], f64[4,6], 1) -> f64[4,6]"},
      {"aten::lerp.Tensor(f64[4,3], f64[4,3], f64[3]) -> f64[4,3]"},
      {"aten::complex(f64[4,3], f64[4,3]) -> c128[4,3]"},
      {"aten::polar(f64[4,3], f64[4,3]) -> c128[4,3]"},
      {"aten::logical_and(bool[4,3], bool[4,3]) -> bool[4,3]"},
      {"aten::logical_or(bool[4,3], bool[4,3]) -> bool[4,3]"},
      {"aten::bitwise_and.Tensor(bool[4,3], bool[4,3]) -> bool[4,3]"},
      {"aten::bitwise_or.Tensor(bool[4,3], bool[4,3]) -> bool[4,3]"},
      {"aten::maximum(f64[4,3], f64[3]) -> f64[4,3]"},
      {"aten::minimum(f64[4,3], f64[3]) -> f64[4,3]"},
      {"aten::max.out(f64[4,3], f64[3], f64[4,3]!) -> _"},
      {"aten::min.out(f64[4,3], f64[3], f64[4,3]!) -> _"},
      {"aten::__iand__.Tensor(i64[4,3]!, i64[3]) -> _"},
      {"aten::__ior__.Tensor(i64[4,3]!, i64[3]) -> _"},
      {"aten::__ixor__.Tensor(i64[4,3]!, i64[3]) -> _"},
      {"aten::__ilshift__.Tensor(i64[4,3]!, i64[3]) -> _"},
      {"aten::max.other(f64[4,3], f64[3]) -> f64[4,3]"},
  };
}

std::vector<SampleText> drawing_samples() {
  return {
      // filled alike
      {"aten::empty_like(f64[4,3], none, none, device, none, none) -> f64[4,3]"},
      {"aten::full_like(f64[4,3], word, none, none, device, none, none) -> f64[4,3]"},
      {"aten::ones_like(f64[4,3], none, none, device, none, none) -> f64[4,3]"},
      {"aten::zeros_like(f64[4,3], none, none, device, none, none) -> f64[4,3]"},
      // drawn
      {"aten::bernoulli(f64[4,3], generator) -> f64[4,3]", {}, true},
      {"aten::bernoulli_.float(f64[4,3]!, word, generator) -> _"},
      {"aten::binomial(f64[4,3], f64[4,3], generator) -> f64[4,3]", {}, true},
      {"aten::cauchy_(f64[4,3]!, word, word, generator) -> _"},
      {"aten::exponential_(f64[4,3]!, word, generator) -> _"},
      {"aten::geometric_(f64[4,3]!, word, generator) -> _"},
      {"aten::log_normal_(f64[4,3]!, word, word, generator) -> _"},
      {"aten::normal_(f64[4,3]!, word, word, generator) -> _"},
      {"aten::normal_functional(f64[4,3], word, word, generator) -> f64[4,3]"},
      {"aten::native_dropout(f64[4,3], word, true, generator) -> f64[4,3], bool[4,3]"},
      {"aten::poisson(f64[4,3], generator) -> f64[4,3]", {}, true},
      {"aten::rand_like(f64[4,3], none, none, device, none, none, generator) -> f64[4,3]"},
      {"aten::randn_like(f64[4,3], none, none, device, none, none, generator) -> f64[4,3]"},
      {"aten::randint_like(i64[4,3], 9, none, none, device, none, none, generator) -> i64[4,3]"},
      {"aten::random_(f64[4,3]!, generator) -> _"},
      {"aten::rrelu_with_noise(f64[4,3], f64[4,3]!, word, word, true, generator) -> f64[4,3]",
       {0.1, 0.3}},
      {"aten::rrelu_with_noise_functional(f64[4,3], f64[4,3], word, word, true, generator) -> "
       "f64[4,3], f64[4,3]",
       {0.1, 0.3}},
      {"aten::uniform_(f64[4,3]!, word, word, generator) -> _", {0, 1}},
      {"aten::_sample_dirichlet(f64[4,5,3], generator) -> f64[4,5,3]", {}, true},
      {"aten::_standard_gamma(f64[4,3], generator) -> f64[4,3]"},
      {"aten::_fused_dropout(f64[4,3], word, generator) -> f64[4,3], u8[4,3]"},
      {"aten::_masked_scale(f64[4,3], u8[4,3], word) -> f64[4,3]"},
  };
}

std::vector<SampleText> list_samples() {
  return {
      {"aten::_foreach_add_.List((f64[4,3]!), (f64[4,3]), word)"},
      {"aten::_foreach_mul_.Tensor((f64[4,3]!), f64[])"},
      {"aten::_foreach_div.ScalarList((f64[4,3]), (word)) -> (f64[4,3])"},
      {"aten::_foreach_addcmul_.Tensor((f64[4,3]!), (f64[4,3]), (f64[4,3]), f64[1])"},
      {"aten::_foreach_addcdiv_.ScalarList((f64[4,3]!), (f64[4,3]), (f64[4,3]), (word))"},
      {"aten::_foreach_lerp_.Scalar((f64[4,3]!), (f64[4,3]), word)"},
      {"aten::_foreach_sqrt((f64[4,3])) -> (f64[4,3])"},
      {"aten::_foreach_norm.Scalar((f64[4,3]), word, none) -> (f64[])", {2}},
      {"aten::_foreach_max((f64[4,3])) -> (f64[])"},
      {"aten::_foreach_copy_((f64[4,3]!), (f64[4,3]), false)"},
      {"aten::_fused_adamw_((f32[4,3]!), (f32[4,3]!), (f32[4,3]!), (f32[4,3]!), (), (f32[]), word, "
       "word, word, word, word, false, false, none, none)"},
      {"aten::_fused_adam_((f32[4,3]!), (f32[4,3]!), (f32[4,3]!), (f32[4,3]!), (f32[4,3]!), "
       "(f32[]), "
       "word, word, word, word, word, true, false, f32[], f32[])"},
      {"aten::_fused_sgd_((f32[4,3]!), (f32[4,3]!), (f32[4,3]!), word, word, word, word, false, "
       "false, false, none, none)"},
      {"aten::_fused_adagrad_((f32[4,3]!), (f32[4,3]!), (f32[4,3]!), (f32[]), word, word, word, "
       "word, false, none, none)"},
      {"aten::_amp_foreach_non_finite_check_and_unscale_((f32[4,3]!), f32[]!, f32[])"},
      {"aten::_amp_update_scale_(f32[]!, i32[]!, f32[], word, word, 2) -> _"},
  };
}

}  // namespace moai::device::sharding
