#include <ATen/ops/_scaled_dot_product_flash_attention_for_cpu.h>
#include <ATen/ops/_scaled_dot_product_flash_attention_for_cpu_backward.h>
#include <c10/util/Exception.h>

#include "moai/device/aten/substitution/stack_arguments.h"
#include "moai/device/aten/substitution/substitution.h"

namespace moai::device {
namespace {

void refuse_dropout(double p, const char* op) {
  TORCH_CHECK_NOT_IMPLEMENTED(p == 0, op, ": no dropout inside attention on a CPU device");
}

// (query, key, value, dropout_p, is_causal, return_debug_mask, *, scale) → (output, logsumexp,
// cum_seq_q, cum_seq_k, max_q, max_k, rng_state, unused, debug_attn_mask)
void flash_attention(torch::jit::Stack& stack) {
  const at::Tensor query = tensor_at(stack, 0);
  const at::Tensor key = tensor_at(stack, 1);
  refuse_dropout(stack.at(3).toDouble(), "aten::_scaled_dot_product_flash_attention");
  auto [output, logsumexp] = at::_scaled_dot_product_flash_attention_for_cpu(
      query, key, tensor_at(stack, 2), 0, stack.at(4).toBool(), std::nullopt,
      optional_double_at(stack, 6));
  const at::Tensor none;
  finish(stack, output, logsumexp, none, none, query.size(2), key.size(2), none, none, none);
}

// (grad_out, query, key, value, out, logsumexp, cum_seq_q, cum_seq_k, max_q, max_k, dropout_p,
// is_causal, philox_seed, philox_offset, *, scale)
void flash_attention_backward(torch::jit::Stack& stack) {
  refuse_dropout(stack.at(10).toDouble(), "aten::_scaled_dot_product_flash_attention_backward");
  auto [query, key, value] = at::_scaled_dot_product_flash_attention_for_cpu_backward(
      tensor_at(stack, 0), tensor_at(stack, 1), tensor_at(stack, 2), tensor_at(stack, 3),
      tensor_at(stack, 4), tensor_at(stack, 5), 0, stack.at(11).toBool(), std::nullopt,
      optional_double_at(stack, 14));
  finish(stack, query, key, value);
}

// (query, key, value, attn_bias, compute_log_sumexp, dropout_p, is_causal, *, scale) → (output,
// log_sumexp, philox_seed, philox_offset)
void efficient_attention(torch::jit::Stack& stack) {
  refuse_dropout(stack.at(5).toDouble(), "aten::_scaled_dot_product_efficient_attention");
  auto [output, logsumexp] = at::_scaled_dot_product_flash_attention_for_cpu(
      tensor_at(stack, 0), tensor_at(stack, 1), tensor_at(stack, 2), 0, stack.at(6).toBool(),
      optional_tensor_at(stack, 3), optional_double_at(stack, 7));
  const at::Tensor none;
  finish(stack, output, logsumexp, none, none);
}

// (grad_out_, query, key, value, attn_bias, out, logsumexp, philox_seed, philox_offset, dropout_p,
// grad_input_mask, is_causal, *, scale) → gradients of query, key, value, attn_bias
void efficient_attention_backward(torch::jit::Stack& stack) {
  refuse_dropout(stack.at(9).toDouble(), "aten::_scaled_dot_product_efficient_attention_backward");
  auto [query, key, value] = at::_scaled_dot_product_flash_attention_for_cpu_backward(
      tensor_at(stack, 0), tensor_at(stack, 1), tensor_at(stack, 2), tensor_at(stack, 3),
      tensor_at(stack, 5), tensor_at(stack, 6), 0, stack.at(11).toBool(),
      optional_tensor_at(stack, 4), optional_double_at(stack, 12));
  finish(stack, query, key, value, at::Tensor());
}

constexpr SubstitutionRow kRows[] = {
    {"aten::_scaled_dot_product_flash_attention", flash_attention},
    {"aten::_scaled_dot_product_flash_attention_backward", flash_attention_backward},
    {"aten::_scaled_dot_product_efficient_attention", efficient_attention},
    {"aten::_scaled_dot_product_efficient_attention_backward", efficient_attention_backward},
};

}  // namespace

std::span<const SubstitutionRow> attention_substitutions() { return kRows; }

}  // namespace moai::device
