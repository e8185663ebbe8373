#include "moai/front/capture/private_use.h"

#include <ATen/autocast_mode.h>

#include "moai/front/device/device_type.h"

namespace moai::front {
namespace {

using at::Tensor;

// Whether `self` can become `from` and stay the object it is, as a parameter that moves must.
bool keeps_identity(const Tensor& self, const Tensor& from) {
  const auto dense = [](const Tensor& t) {
    return t.layout() == at::kStrided && (t.is_cpu() || t.is_cuda() || on_device(t));
  };
  return (dense(self) && dense(from)) || self.key_set() == from.key_set();
}

// Flash attention under the name that torch keeps for private devices.
using AttentionResults =
    std::tuple<Tensor, Tensor, Tensor, Tensor, c10::SymInt, c10::SymInt, Tensor, Tensor, Tensor>;
AttentionResults attention(const Tensor& q, const Tensor& k, const Tensor& v,
                           const std::optional<Tensor>& bias, double dropout, bool causal,
                           bool debug_mask, std::optional<double> scale) {
  TORCH_CHECK_NOT_IMPLEMENTED(!bias,
                              "fused attention: no attn_bias on the device; "
                              "scaled_dot_product_attention takes one");
  return at::_scaled_dot_product_flash_attention(q, k, v, dropout, causal, debug_mask, scale);
}

std::tuple<Tensor, Tensor, Tensor, Tensor> attention_backward(
    const Tensor& grad, const Tensor& q, const Tensor& k, const Tensor& v, const Tensor&,
    std::array<bool, 4>, const Tensor& out, const Tensor& logsumexp, const Tensor& starts_q,
    const Tensor& starts_k, c10::SymInt max_q, c10::SymInt max_k, double dropout, bool causal,
    const Tensor& seed, const Tensor& offset, std::optional<double> scale) {
  auto [grad_q, grad_k, grad_v] = at::_scaled_dot_product_flash_attention_backward_symint(
      grad, q, k, v, out, logsumexp, starts_q, starts_k, std::move(max_q), std::move(max_k),
      dropout, causal, seed, offset, scale);
  return {grad_q, grad_k, grad_v, Tensor()};
}

Tensor refuse_cross_entropy(const Tensor&, const Tensor&, const std::optional<Tensor>&, int64_t) {
  TORCH_CHECK(false,
              "torch.nn.functional.binary_cross_entropy and torch.nn.BCELoss are unsafe to "
              "autocast. Many models use a sigmoid layer right before the binary cross entropy "
              "layer. In this case, combine the two layers using "
              "torch.nn.functional.binary_cross_entropy_with_logits or torch.nn.BCEWithLogitsLoss");
}

#define MOAI_LOWER_PRECISION(...) KERNEL_PRIVATEUSEONE(__VA_ARGS__, lower_precision_fp)
#define MOAI_FP32(...) KERNEL_PRIVATEUSEONE(__VA_ARGS__, fp32)
#define MOAI_FP32_SET_OPT_DTYPE(...) KERNEL_PRIVATEUSEONE(__VA_ARGS__, fp32_set_opt_dtype)
#define MOAI_PROMOTE(...) KERNEL_PRIVATEUSEONE(__VA_ARGS__, promote)

void register_autocast() {
  // Never taken down, as all libraries of the device.
  constexpr auto key = c10::DispatchKey::AutocastPrivateUse1;
  auto& all = *new torch::Library(torch::Library::IMPL, "_", key, __FILE__, __LINE__);
  all.fallback(torch::CppFunction::makeFallthrough());
  auto& m = *new torch::Library(torch::Library::IMPL, "aten", key, __FILE__, __LINE__);
  // torch's macros, which name their types without `at::`.
  using at::IntArrayRef, at::Scalar, at::ScalarType;
  AT_FORALL_LOWER_PRECISION_FP(MOAI_LOWER_PRECISION)
  AT_FORALL_FP32(MOAI_FP32)
  AT_FORALL_FP32_SET_OPT_DTYPE(MOAI_FP32_SET_OPT_DTYPE)
  AT_FORALL_DIFFERENT_REDISPATCH_SIGNATURE(KERNEL_DIFFERENT_REDISPATCH_SIGNATURE_PRIVATEUSEONE)
  AT_FORALL_PROMOTE(MOAI_PROMOTE)
  m.impl("binary_cross_entropy", &refuse_cross_entropy);
}

}  // namespace

void register_private_use(torch::Library& aten) {
  register_autocast();
  aten.impl("_has_compatible_shallow_copy_type", &keeps_identity);
  aten.impl("_scaled_dot_product_fused_attention_overrideable", &attention);
  aten.impl("_scaled_dot_product_fused_attention_overrideable_backward", &attention_backward);
}

}  // namespace moai::front
