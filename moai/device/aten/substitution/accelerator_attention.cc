// Fused attention on an accelerator. Fronts record it as the kernels of a CPU compute it, of any
// type and with sums of exactly the query's length; the kernels of an accelerator are two families
// with rules of their own.
#include <ATen/ops/_scaled_dot_product_efficient_attention.h>
#include <ATen/ops/_scaled_dot_product_efficient_attention_backward.h>
#include <ATen/ops/_scaled_dot_product_flash_attention_backward.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/full.h>

#include <limits>

#include "moai/device/aten/substitution/stack_arguments.h"
#include "moai/device/aten/substitution/substitution.h"

namespace moai::device {
namespace {

using at::Tensor;

constexpr int64_t kWidthMax = 256;   // of a head, in flash attention
constexpr int64_t kRowMultiple = 16;   // elements, of efficient attention's masks
constexpr int64_t kSumsMultiple = 32;  // efficient attention's sums come in so many

// Flash attention is for half precision; its causal mask ends at the last key, the front's begins
// at the first.
bool flash_takes(at::ScalarType type, int64_t width, int64_t queries, int64_t keys, bool causal) {
  const bool half = type == at::kHalf || type == at::kBFloat16;
  return half && width <= kWidthMax && (!causal || queries == keys);
}
bool flash_takes(const Tensor& query, const Tensor& key, bool causal) {
  return flash_takes(query.scalar_type(), query.size(3), query.size(2), key.size(2), causal);
}

bool flash_refuses(const ops::CallSignature& signature) {
  if (signature.args.size() < 5 || signature.args[4].ints.empty()) return false;
  const tensor::Geometry &query = signature.args[0].geometry, &key = signature.args[1].geometry;
  if (query.sizes.size() != 4 || key.sizes.size() != 4) return false;
  return !flash_takes(static_cast<at::ScalarType>(query.dtype), query.sizes[3], query.sizes[2],
                      key.sizes[2], signature.args[4].ints[0] != 0);
}

bool begins_at_vectors(const Tensor& bias, int64_t keys) {
  bool so = bias.size(3) == keys && bias.stride(3) == 1 && bias.storage_offset() % kRowMultiple == 0;
  for (int64_t d = 0; d < 3; ++d) {
    so &= bias.size(d) == 1 || bias.stride(d) % kRowMultiple == 0;
  }
  return so;
}

// The kernel wants a mask of all sizes, whose rows begin at whole vectors.
Tensor aligned(Tensor bias, const Tensor& query, const Tensor& key) {
  if (!bias.defined()) return bias;
  while (bias.dim() < 4) bias = bias.unsqueeze(0);
  const int64_t keys = key.size(2), all = (keys + kRowMultiple - 1) / kRowMultiple * kRowMultiple;
  // What was expanded is copied once.
  for (int64_t d = 0; d < 3; ++d) {
    if (bias.stride(d) == 0) bias = bias.narrow(d, 0, 1);
  }
  if (!begins_at_vectors(bias, keys)) {
    const Tensor rows = at::empty({bias.size(0), bias.size(1), bias.size(2), all}, bias.options());
    bias = rows.narrow(3, 0, keys).copy_(bias);
  }
  return bias.expand({query.size(0), query.size(1), query.size(2), keys});
}

struct Efficient {
  Tensor output{}, sums{};
};

Efficient efficient(const Tensor& query, const Tensor& key, const Tensor& value, const Tensor& bias,
                    bool wants_sums, double dropout, bool causal, std::optional<double> scale) {
  TORCH_CHECK_NOT_IMPLEMENTED(dropout == 0, "no dropout inside attention");
  const Tensor mask = aligned(bias, query, key);
  auto [output, sums, seed, offset] = at::_scaled_dot_product_efficient_attention(
      query, key, value, mask.defined() ? std::optional(mask) : std::nullopt, wants_sums, 0, causal,
      scale);
  if (sums.dim() == 3 && sums.size(2) > query.size(2)) sums = sums.narrow(2, 0, query.size(2));
  return {output, sums};
}

// The kernel reads whole multiples; infinity is what it writes past the end itself.
Tensor whole_multiples(const Tensor& sums) {
  const int64_t queries = sums.size(2);
  const int64_t all = (queries + kSumsMultiple - 1) / kSumsMultiple * kSumsMultiple;
  if (all == queries) return sums.contiguous();
  Tensor padded = at::full({sums.size(0), sums.size(1), all},
                           std::numeric_limits<double>::infinity(), sums.options());
  padded.narrow(2, 0, queries).copy_(sums);
  return padded;
}

// (query, key, value, dropout_p, is_causal, return_debug_mask, *, scale) → (output, logsumexp,
// cum_seq_q, cum_seq_k, max_q, max_k, rng_state, unused, debug_attn_mask)
void flash_forward(torch::jit::Stack& stack) {
  const Tensor query = tensor_at(stack, 0), key = tensor_at(stack, 1), none;
  const Efficient made = efficient(query, key, tensor_at(stack, 2), none, true,
                                   stack.at(3).toDouble(), stack.at(4).toBool(),
                                   optional_double_at(stack, 6));
  finish(stack, made.output, made.sums, none, none, query.size(2), key.size(2), none, none, none);
}

// (grad_out, query, key, value, out, logsumexp, cum_seq_q, cum_seq_k, max_q, max_k, dropout_p,
// is_causal, philox_seed, philox_offset, *, scale)
void flash_backward(torch::jit::Stack& stack) {
  const Tensor grad = tensor_at(stack, 0), query = tensor_at(stack, 1), key = tensor_at(stack, 2),
               value = tensor_at(stack, 3), out = tensor_at(stack, 4), sums = tensor_at(stack, 5);
  const bool causal = stack.at(11).toBool();
  const auto scale = optional_double_at(stack, 14);
  TORCH_CHECK_NOT_IMPLEMENTED(stack.at(10).toDouble() == 0, "no dropout inside attention");
  if (flash_takes(query, key, causal)) {
    auto [q, k, v] = at::_scaled_dot_product_flash_attention_backward(
        grad, query, key, value, out, sums.contiguous(), tensor_at(stack, 6), tensor_at(stack, 7),
        stack.at(8).toInt(), stack.at(9).toInt(), 0, causal, tensor_at(stack, 12),
        tensor_at(stack, 13), scale);
    return finish(stack, q, k, v);
  }
  const Tensor none;
  auto [q, k, v, bias] = at::_scaled_dot_product_efficient_attention_backward(
      grad, query, key, value, none, out, whole_multiples(sums), none, none, 0,
      {true, true, true, false}, causal, scale);
  finish(stack, q, k, v);
}

// (query, key, value, attn_bias, compute_log_sumexp, dropout_p, is_causal, *, scale) → (output,
// log_sumexp, philox_seed, philox_offset)
void efficient_forward(torch::jit::Stack& stack) {
  const Efficient made =
      efficient(tensor_at(stack, 0), tensor_at(stack, 1), tensor_at(stack, 2), tensor_at(stack, 3),
                stack.at(4).toBool(), stack.at(5).toDouble(), stack.at(6).toBool(),
                optional_double_at(stack, 7));
  const Tensor none;
  finish(stack, made.output, made.sums, none, none);
}

// (grad_out_, query, key, value, attn_bias, out, logsumexp, philox_seed, philox_offset, dropout_p,
// grad_input_mask, is_causal, *, scale) → gradients of query, key, value, attn_bias
void efficient_backward(torch::jit::Stack& stack) {
  TORCH_CHECK_NOT_IMPLEMENTED(stack.at(9).toDouble() == 0, "no dropout inside attention");
  const Tensor query = tensor_at(stack, 1), key = tensor_at(stack, 2), none;
  auto [q, k, v, bias] = at::_scaled_dot_product_efficient_attention_backward(
      tensor_at(stack, 0), query, key, tensor_at(stack, 3), aligned(tensor_at(stack, 4), query, key),
      tensor_at(stack, 5), whole_multiples(tensor_at(stack, 6)), none, none, 0,
      {true, true, true, false}, stack.at(11).toBool(), optional_double_at(stack, 12));
  finish(stack, q, k, v, bias);
}

constexpr SubstitutionRow kRows[] = {
    {"aten::_scaled_dot_product_flash_attention", flash_forward, flash_refuses},
    {"aten::_scaled_dot_product_flash_attention_backward", flash_backward},
    {"aten::_scaled_dot_product_efficient_attention", efficient_forward},
    {"aten::_scaled_dot_product_efficient_attention_backward", efficient_backward},
};

}  // namespace

std::span<const SubstitutionRow> accelerator_attention_substitutions() { return kRows; }

}  // namespace moai::device
