// Fused attention: batch and heads are apart, so are the tokens that ask ("s"), unless a causal
// mask counts them. Tokens that are asked ("t") are frozen on the way there; on the way back, where
// their sums are known, gradients of what asks are partial over them. Widths are frozen.
#include "moai/ops/sharding/rows.h"

namespace moai::ops::sharding {
namespace {

constexpr const char* kInputs = "b h s d!, b h t! d, b h t e!";

std::string sums(const char* mark) { return std::string("b h s") + mark; }

// Key and value once more, of which "t" is frozen or reduced.
std::string inputs_back(bool is_causal) {
  return std::string("b h s d!, b h t") + (is_causal ? "!" : "+") + " d, b h t e!";
}

// (query, key, value, dropout, is_causal, return_debug_mask, scale)
std::optional<RowText> flash(const Form& form) {
  const std::string s = sums(form.flag(4) ? "!" : "");
  return RowText{std::string(kInputs) + " -> b h s e, " + s + ", ?, ?, _, _, ?, ?, ?", ""};
}

// (grad, query, key, value, out, logsumexp, cum_seq_q, cum_seq_k, max_q, max_k, dropout, is_causal,
// philox_seed, philox_offset, scale)
std::optional<RowText> flash_backward(const Form& form) {
  const std::string s = sums(form.flag(11) ? "!" : "+");
  return RowText{std::string("b h s e, ") + inputs_back(form.flag(11)) + ", b h s e, " + s +
                     ", ?, ?, =s, =t, _, _, ?, ? -> " + inputs_back(form.flag(11)),
                 "0"};
}

// (query, key, value, dropout, is_causal, attn_mask, scale)
std::optional<RowText> flash_for_cpu(const Form& form) {
  const std::string s = sums(form.flag(4) ? "!" : "");
  return RowText{std::string(kInputs) + ", _, _, ~b h s t -> b h s e, " + s, ""};
}

// (grad, query, key, value, out, logsumexp, dropout, is_causal, attn_mask, scale)
std::optional<RowText> flash_for_cpu_backward(const Form& form) {
  const std::string s = sums(form.flag(7) ? "!" : "+");
  return RowText{std::string("b h s e, ") + inputs_back(form.flag(7)) + ", b h s e, " + s +
                     ", _, _, ~b h s t -> " + inputs_back(form.flag(7)),
                 "0"};
}

// (query, key, value, attn_bias, compute_log_sumexp, dropout, is_causal, scale)
std::optional<RowText> efficient(const Form& form) {
  const std::string s = sums(form.flag(6) ? "!" : "");
  return RowText{std::string(kInputs) + ", ~b h s t -> b h s e, " + s + ", ?, ?", ""};
}

// (grad, query, key, value, attn_bias, out, logsumexp, philox_seed, philox_offset, dropout,
// grad_input_mask, is_causal, scale)
std::optional<RowText> efficient_backward(const Form& form) {
  const std::string s = sums(form.flag(11) ? "!" : "+");
  return RowText{std::string("b h s e, ") + inputs_back(form.flag(11)) + ", ~b h s t, b h s e, " +
                     s + ", ?, ? -> " + inputs_back(form.flag(11)) + ", b h s t",
                 "0"};
}

constexpr Row kRows[] = {
    {.op = "aten::_scaled_dot_product_efficient_attention", .make = efficient},
    {.op = "aten::_scaled_dot_product_efficient_attention_backward", .make = efficient_backward},
    {.op = "aten::_scaled_dot_product_flash_attention", .make = flash},
    {.op = "aten::_scaled_dot_product_flash_attention_backward", .make = flash_backward},
    {.op = "aten::_scaled_dot_product_flash_attention_for_cpu", .make = flash_for_cpu},
    {.op = "aten::_scaled_dot_product_flash_attention_for_cpu_backward",
     .make = flash_for_cpu_backward},
};

}  // namespace

std::span<const Row> attention_rows() { return kRows; }

}  // namespace moai::ops::sharding
