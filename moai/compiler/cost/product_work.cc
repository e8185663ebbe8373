#include "moai/compiler/cost/product_work.h"

#include <algorithm>
#include <numeric>
#include <vector>

namespace moai::compiler::cost {
namespace {

using ops::Arg;
using ops::ArgKind;
using ops::CallSignature;
using Sizes = std::vector<int64_t>;

// nullptr where argument `i` is no tensor.
const tensor::Geometry* tensor_at(const CallSignature& s, size_t i) {
  const bool is_tensor = i < s.args.size() && s.args[i].kind == ArgKind::kTensor;
  return is_tensor ? &s.args[i].geometry : nullptr;
}

int64_t whole_number_at(const CallSignature& s, size_t i, int64_t otherwise) {
  if (i >= s.args.size()) return otherwise;
  const bool has_one = s.args[i].kind == ArgKind::kInt || s.args[i].kind == ArgKind::kBool;
  return has_one ? s.args[i].ints[0] : otherwise;
}

int64_t count(Sizes::const_iterator begin, Sizes::const_iterator end) {
  return std::accumulate(begin, end, int64_t{1}, std::multiplies<>());
}

// A complex multiplication is four of reals.
double weight(tensor::DType dtype) {
  using tensor::DType;
  const bool is_complex =
      dtype == DType::kComplex32 || dtype == DType::kComplex64 || dtype == DType::kComplex128;
  return is_complex ? 4 : 1;
}

void set_product(tensor::DType dtype, const Product& p, int products, CallWork* work) {
  work->kind = WorkKind::kProduct;
  work->dtype = dtype;
  work->product = p;
  work->products = products;
  work->flops = weight(dtype) * 2.0 * products * static_cast<double>(p.batch) *
                static_cast<double>(p.m) * static_cast<double>(p.n) * static_cast<double>(p.k);
}

// Vectors and matrices, or batches of matrices, at `first` and behind it.
void matrices(const CallSignature& s, size_t first, CallWork* work) {
  const tensor::Geometry* a = tensor_at(s, first);
  const tensor::Geometry* b = tensor_at(s, first + 1);
  if (!a || !b || a->sizes.empty() || b->sizes.empty()) return;
  const Sizes& left = a->sizes;
  const Sizes& right = b->sizes;
  const int64_t n = right.size() < 2 ? 1 : right.back();
  const int64_t m = left.size() < 2 ? 1 : left[left.size() - 2];
  const int64_t batch = left.size() < 3 ? 1 : count(left.begin(), left.end() - 2);
  set_product(a->dtype, {.batch = batch, .m = m, .n = n, .k = left.back()}, 1, work);
}

// [.., k] times the transpose of [n, k].
void linear(const CallSignature& s, size_t first, CallWork* work) {
  const tensor::Geometry* a = tensor_at(s, first);
  const tensor::Geometry* b = tensor_at(s, first + 1);
  if (!a || !b || a->sizes.empty() || b->sizes.size() != 2) return;
  const int64_t m = count(a->sizes.begin(), a->sizes.end() - 1);
  set_product(a->dtype, {.m = m, .n = b->sizes[0], .k = b->sizes[1]}, 1, work);
}

// Each element of `outside` (of a transposed convolution: of its input) meets a whole filter.
void set_convolution(const tensor::Geometry& outside, const tensor::Geometry& weight_of,
                     int64_t groups, int products, CallWork* work) {
  const Sizes& o = outside.sizes;
  const Sizes& w = weight_of.sizes;
  if (o.size() < 3 || w.size() < 3 || groups < 1) return;
  const Product p{.batch = groups,
                  .m = o[0] * count(o.begin() + 2, o.end()),
                  .n = w[0] / groups,
                  .k = count(w.begin() + 1, w.end())};
  set_product(weight_of.dtype, p, products, work);
}

// input, weight, bias, stride, padding, dilation, transposed, output_padding, groups
void convolution(const CallSignature& s, size_t, CallWork* work) {
  const tensor::Geometry* input = tensor_at(s, 0);
  const tensor::Geometry* filter = tensor_at(s, 1);
  if (!input || !filter || s.results.empty()) return;
  const bool transposed = whole_number_at(s, 6, 0) != 0;
  const bool is_fresh = s.results[0].kind == ops::ResultKind::kFresh;
  const tensor::Geometry& output = is_fresh ? s.results[0].geometry : s.args.back().geometry;
  set_convolution(transposed ? *input : output, *filter, whole_number_at(s, 8, 1), 1, work);
}

// grad_output, input, weight, [bias_sizes,] stride, …, transposed, …, groups, output_mask: the
// gradients of input and of weight cost what the convolution did.
void convolution_gradients(const CallSignature& s, size_t after_weight, CallWork* work) {
  const tensor::Geometry* gradient = tensor_at(s, 0);
  const tensor::Geometry* input = tensor_at(s, 1);
  const tensor::Geometry* filter = tensor_at(s, 2);
  if (!gradient || !input || !filter || s.args.size() < after_weight + 7) return;
  const bool transposed = whole_number_at(s, after_weight + 3, 0) != 0;
  const std::vector<int64_t>& mask = s.args[after_weight + 6].ints;
  const int products = mask.size() < 2 ? 2 : static_cast<int>(mask[0] != 0) + (mask[1] != 0);
  if (products == 0) return;
  set_convolution(transposed ? *input : *gradient, *filter, whole_number_at(s, after_weight + 5, 1),
                  products, work);
}

// Query and key positions that meet.
double pairs(int64_t queries, int64_t keys, bool causal) {
  const auto q = static_cast<double>(queries);
  const auto k = static_cast<double>(keys);
  if (!causal) return q * k;
  const double corner = std::min(q, k);
  return corner * (corner + 1) / 2 + (q - corner) * k;
}

// Products with keys and products with values for each pair, of queries at `first`.
void set_attention(const CallSignature& s, size_t first, size_t causal_at, int with_keys,
                   int with_values, CallWork* work) {
  const tensor::Geometry* query = tensor_at(s, first);
  const tensor::Geometry* key = tensor_at(s, first + 1);
  const tensor::Geometry* value = tensor_at(s, first + 2);
  if (!query || !key || !value) return;
  for (const auto* g : {query, key, value}) {
    if (g->sizes.size() != 4) return;
  }
  const bool causal = whole_number_at(s, causal_at, 0) != 0;
  const auto heads = static_cast<double>(query->sizes[0] * query->sizes[1]);
  const double a_pair =
      2.0 * static_cast<double>(with_keys * key->sizes[3] + with_values * value->sizes[3]);
  work->kind = WorkKind::kAttention;
  work->dtype = query->dtype;
  work->flops = heads * pairs(query->sizes[2], key->sizes[2], causal) * a_pair;
}

void attention(const CallSignature& s, size_t causal_at, CallWork* work) {
  set_attention(s, 0, causal_at, 1, 1, work);
}

// Scores once more, gradients of query and key; gradients of probabilities and value.
void attention_gradients(const CallSignature& s, size_t causal_at, CallWork* work) {
  set_attention(s, 1, causal_at, 3, 2, work);
}

struct Row {
  std::string_view base;
  void (*count)(const CallSignature&, size_t, CallWork*);
  size_t at;  // the first matrix, what follows the weight, or the place of is_causal
};

// Sorted. Places of arguments are those of torch's schemas.
constexpr Row kRows[] = {
    {"_addmm_activation", matrices, 1},
    {"_int_mm", matrices, 0},
    {"_scaled_dot_product_attention_math", attention, 5},
    {"_scaled_dot_product_cudnn_attention", attention, 6},
    {"_scaled_dot_product_cudnn_attention_backward", attention_gradients, 14},
    {"_scaled_dot_product_efficient_attention", attention, 6},
    {"_scaled_dot_product_efficient_attention_backward", attention_gradients, 11},
    {"_scaled_dot_product_flash_attention", attention, 4},
    {"_scaled_dot_product_flash_attention_backward", attention_gradients, 11},
    {"_scaled_dot_product_flash_attention_for_cpu", attention, 4},
    {"_scaled_dot_product_flash_attention_for_cpu_backward", attention_gradients, 7},
    {"_scaled_dot_product_fused_attention_overrideable", attention, 5},
    {"_scaled_dot_product_fused_attention_overrideable_backward", attention_gradients, 13},
    {"_scaled_mm", matrices, 0},
    {"addbmm", matrices, 1},
    {"addmm", matrices, 1},
    {"addmv", matrices, 1},
    {"baddbmm", matrices, 1},
    {"bmm", matrices, 0},
    {"convolution", convolution, 0},
    {"convolution_backward", convolution_gradients, 4},
    {"convolution_backward_overrideable", convolution_gradients, 3},
    {"convolution_overrideable", convolution, 0},
    {"dot", matrices, 0},
    {"linear", linear, 0},
    {"mkldnn_linear", linear, 0},
    {"mm", matrices, 0},
    {"mv", matrices, 0},
    {"vdot", matrices, 0},
};
static_assert(std::ranges::is_sorted(kRows, {}, &Row::base));

}  // namespace

void count_products(std::string_view base, const CallSignature& s, CallWork* work) {
  const Row* row = std::ranges::lower_bound(kRows, base, {}, &Row::base);
  if (row != std::end(kRows) && row->base == base) row->count(s, row->at, work);
}

}  // namespace moai::compiler::cost
