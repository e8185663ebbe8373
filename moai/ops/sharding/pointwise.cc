// Operators of which every element is computed from those at its own place, and which of them pass
// a Partial on. pointwise_table.cc has what torch tags.
#include <algorithm>

#include "moai/ops/sharding/rows.h"
#include "moai/ops/sharding/terms_text.h"

namespace moai::ops::sharding {
namespace {

constexpr std::string_view kAlso[] = {
    "aten::__and__",
    "aten::__iand__",
    "aten::__ior__",
    "aten::__or__",
    "aten::_amp_update_scale",
    "aten::_fused_adagrad",
    "aten::_fused_adam",
    "aten::_fused_adamw",
    "aten::_fused_dropout",
    "aten::_fused_sgd",
    "aten::_masked_scale",
    "aten::_prelu_kernel",
    "aten::_prelu_kernel_backward",
    "aten::_standard_gamma",
    "aten::bernoulli",
    "aten::binomial",
    "aten::cauchy",
    "aten::complex",
    "aten::elu_backward",
    "aten::empty_like",
    "aten::exponential",
    "aten::fill",
    "aten::floor_divide",
    "aten::full_like",
    "aten::geometric",
    "aten::hardshrink_backward",
    "aten::hardsigmoid_backward",
    "aten::hardswish",
    "aten::hardswish_backward",
    "aten::hardtanh_backward",
    "aten::isclose",
    "aten::leaky_relu_backward",
    "aten::log_normal",
    "aten::log_sigmoid_backward",
    "aten::log_sigmoid_forward",
    "aten::mish_backward",
    "aten::native_dropout",
    "aten::normal",
    "aten::normal_functional",
    "aten::ones_like",
    "aten::poisson",
    "aten::polar",
    "aten::rand_like",
    "aten::randint_like",
    "aten::randn_like",
    "aten::random",
    "aten::rrelu_with_noise",
    "aten::rrelu_with_noise_backward",
    "aten::rrelu_with_noise_functional",
    "aten::rsub",
    "aten::softplus_backward",
    "aten::softshrink_backward",
    "aten::uniform",
    "aten::zero",
    "aten::zeros_like",
};
static_assert(std::ranges::is_sorted(kAlso));

constexpr LinearRow kLinear[] = {
    {"aten::_conj_physical", "0"},
    {"aten::_masked_scale", "0"},
    {"aten::add", "0 1"},
    {"aten::addcdiv", "0 1"},
    {"aten::addcmul", "0 1/0 2"},
    {"aten::bitwise_and", "&0 1"},
    {"aten::bitwise_or", "|0 1"},
    {"aten::clone", "=0"},
    {"aten::complex", "0 1"},
    {"aten::conj_physical", "0"},
    {"aten::elu_backward", "0"},
    {"aten::fill", "=1"},
    {"aten::gelu_backward", "0"},
    {"aten::hardshrink_backward", "0"},
    {"aten::hardsigmoid_backward", "0"},
    {"aten::hardswish_backward", "0"},
    {"aten::hardtanh_backward", "0"},
    {"aten::leaky_relu_backward", "0"},
    {"aten::lerp", "0 1"},
    {"aten::log_sigmoid_backward", "0"},
    {"aten::logical_and", "&0 1"},
    {"aten::logical_or", "|0 1"},
    {"aten::logit_backward", "0"},
    {"aten::maximum", ">0 1"},
    {"aten::minimum", "<0 1"},
    {"aten::mish_backward", "0"},
    {"aten::mul", "0/1"},
    {"aten::native_dropout_backward", "0"},
    {"aten::neg", "0"},
    {"aten::rsub", "0 1"},
    {"aten::sigmoid_backward", "0"},
    {"aten::silu_backward", "0"},
    {"aten::softplus_backward", "0"},
    {"aten::softshrink_backward", "0"},
    {"aten::sub", "0 1"},
    {"aten::tanh_backward", "0"},
    {"aten::threshold_backward", "0"},
    {"aten::xlogy", "0"},
};
static_assert(std::ranges::is_sorted(kLinear, {}, &LinearRow::op));

std::string term_of(const Arg& a) {
  if (a.kind == ArgKind::kTensor) return "...";
  if (a.kind != ArgKind::kList || a.items.empty()) return "_";
  std::vector<std::string> items;
  for (const Arg& item : a.items) items.push_back(term_of(item));
  return "{" + joined(items, "; ") + "}";
}

}  // namespace

std::string pointwise_terms(const Form& form) {
  std::vector<std::string> args;
  std::vector<std::string> results;
  for (const Arg* a : form.args) args.push_back(term_of(*a));
  for (const Result* r : form.results) {
    results.emplace_back(r->kind == ResultKind::kFresh ? "..." : "_");
  }
  return joined(args, ", ") + "-> " + joined(results, ", ");
}

std::span<const std::string_view> also_pointwise_operators() { return kAlso; }

std::span<const LinearRow> pointwise_linear_rows() { return kLinear; }

}  // namespace moai::ops::sharding
