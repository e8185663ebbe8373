// Fused attention on an accelerator. Fronts record it as the kernels of a CPU compute it, of any
// type and with sums of exactly the query's length; the kernels of an accelerator are two families
// with rules of their own.
#include <ATen/ops/_scaled_dot_product_efficient_attention.h>
#include <ATen/ops/_scaled_dot_product_efficient_attention_backward.h>
#include <ATen/ops/_scaled_dot_product_flash_attention.h>
#include <ATen/ops/_scaled_dot_product_flash_attention_backward.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/full.h>

#include <limits>

#include "moai/device/aten/substitution/stack_arguments.h"
#include "moai/device/aten/substitution/substitution.h"

namespace moai::device {
namespace {

using at::Tensor;

constexpr int64_t kWidthMax = 256;  // of a head, in flash attention
constexpr int64_t kWidthMultiple = 8;
constexpr int64_t kVectorBytes = 16;
constexpr int64_t kRowMultiple = 16;   // elements, of efficient attention's masks
constexpr int64_t kSumsMultiple = 32;  // efficient attention's sums come in so many

// Flash attention is for half precision; its causal mask ends at the last key, the front's begins
// at the first.
bool flash_takes(const Tensor& query, const Tensor& key, bool causal) {
  const bool half = query.scalar_type() == at::kHalf || query.scalar_type() == at::kBFloat16;
  return half && query.size(3) <= kWidthMax && (!causal || query.size(2) == key.size(2));
}

// Kernels read whole vectors, and end the device's context where one lies askew.
Tensor in_vectors(const Tensor& t) {
  const auto bytes = static_cast<int64_t>(t.element_size());
  bool so = t.stride(3) == 1 && t.storage_offset() * bytes % kVectorBytes == 0;
  for (int64_t d = 0; d < 3; ++d) so &= t.size(d) == 1 || t.stride(d) * bytes % kVectorBytes == 0;
  return so ? t : t.contiguous();
}

struct Operands {
  Tensor query{}, key{}, value{};
};

// Those of the stack from a place on, as kernels read them.
Operands operands_at(const torch::jit::Stack& stack, size_t first) {
  Operands all{tensor_at(stack, first), tensor_at(stack, first + 1), tensor_at(stack, first + 2)};
  for (Tensor* t : {&all.query, &all.key, &all.value}) {
    TORCH_CHECK(t->dim() == 4 && t->size(3) % kWidthMultiple == 0,
                "fused attention takes [batch, heads, tokens, width] with a width that is a "
                "multiple of ",
                kWidthMultiple, ", not ", t->sizes());
    *t = in_vectors(*t);
  }
  return all;
}

bool begins_at_vectors(const Tensor& bias, int64_t keys) {
  bool so =
      bias.size(3) == keys && bias.stride(3) == 1 && bias.storage_offset() % kRowMultiple == 0;
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

Efficient efficient(const Operands& in, const Tensor& bias, bool wants_sums, double dropout,
                    bool causal, std::optional<double> scale) {
  TORCH_CHECK_NOT_IMPLEMENTED(dropout == 0, "no dropout inside attention");
  const auto& [query, key, value] = in;
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
  const Operands in = operands_at(stack, 0);
  const double dropout = stack.at(3).toDouble();
  const bool causal = stack.at(4).toBool();
  const auto scale = optional_double_at(stack, 6);
  const Tensor none;
  Efficient made;
  if (dropout == 0 && flash_takes(in.query, in.key, causal)) {
    auto all = at::_scaled_dot_product_flash_attention(in.query, in.key, in.value, 0, causal, false,
                                                       scale);
    made = {std::get<0>(all), std::get<1>(all)};
  } else {
    made = efficient(in, none, true, dropout, causal, scale);
  }
  finish(stack, made.output, made.sums, none, none, in.query.size(2), in.key.size(2), none, none,
         none);
}

// (grad_out, query, key, value, out, logsumexp, cum_seq_q, cum_seq_k, max_q, max_k, dropout_p,
// is_causal, philox_seed, philox_offset, *, scale)
void flash_backward(torch::jit::Stack& stack) {
  const auto [query, key, value] = operands_at(stack, 1);
  const Tensor grad = in_vectors(tensor_at(stack, 0)), out = in_vectors(tensor_at(stack, 4)),
               sums = tensor_at(stack, 5);
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
      efficient(operands_at(stack, 0), tensor_at(stack, 3), stack.at(4).toBool(),
                stack.at(5).toDouble(), stack.at(6).toBool(), optional_double_at(stack, 7));
  const Tensor none;
  finish(stack, made.output, made.sums, none, none);
}

// (grad_out_, query, key, value, attn_bias, out, logsumexp, philox_seed, philox_offset, dropout_p,
// grad_input_mask, is_causal, *, scale) → gradients of query, key, value, attn_bias
void efficient_backward(torch::jit::Stack& stack) {
  TORCH_CHECK_NOT_IMPLEMENTED(stack.at(9).toDouble() == 0, "no dropout inside attention");
  const auto [query, key, value] = operands_at(stack, 1);
  const Tensor none;
  auto [q, k, v, bias] = at::_scaled_dot_product_efficient_attention_backward(
      in_vectors(tensor_at(stack, 0)), query, key, value, aligned(tensor_at(stack, 4), query, key),
      in_vectors(tensor_at(stack, 5)), whole_multiples(tensor_at(stack, 6)), none, none, 0,
      {true, true, true, false}, stack.at(11).toBool(), optional_double_at(stack, 12));
  finish(stack, q, k, v, bias);
}

constexpr SubstitutionRow kRows[] = {
    {"aten::_scaled_dot_product_flash_attention", flash_forward},
    {"aten::_scaled_dot_product_flash_attention_backward", flash_backward},
    {"aten::_scaled_dot_product_efficient_attention", efficient_forward},
    {"aten::_scaled_dot_product_efficient_attention_backward", efficient_backward},
};

}  // namespace

std::span<const SubstitutionRow> accelerator_attention_substitutions() { return kRows; }

}  // namespace moai::device
