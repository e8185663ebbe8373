#include "moai/compiler/cost/workspace.h"

#include <algorithm>
#include <string_view>
#include <vector>

#include "moai/compiler/cost/convolution_workspace.h"
#include "moai/ops/call_tensors.h"

namespace moai::compiler::cost {
namespace {

using ops::CallSignature;
using tensor::Geometry;

// Scalars that become tensors, and accumulators of reductions.
constexpr uint64_t kScalars = 16;
// Elements of a block of such a copy.
constexpr uint64_t kTurnedBlock = 60 * 60;
constexpr uint64_t kPackedMax = 256 * 1024;

struct Tensors {
  std::vector<const Geometry*> operands{};
  std::vector<const Geometry*> results{};
};

uint64_t count(const Geometry& g) { return static_cast<uint64_t>(tensor::element_count(g)); }
uint64_t bytes(const Geometry& g) { return count(g) * tensor::dtype_size(g.dtype); }
uint64_t bytes(const std::vector<const Geometry*>& all) {
  uint64_t sum = 0;
  for (const Geometry* g : all) sum += bytes(*g);
  return sum;
}
uint64_t bytes_at(const std::vector<const Geometry*>& all, size_t i) {
  return i < all.size() ? bytes(*all[i]) : 0;
}

// Whether products read a matrix as it lies: rows or columns dense.
bool is_matrix(const Geometry& g) {
  if (g.sizes.size() < 2) return true;
  const size_t n = g.sizes.size();
  const auto dense = [&](size_t inner, size_t outer) {
    return (g.strides[inner] == 1 || g.sizes[inner] == 1) &&
           (g.strides[outer] >= g.sizes[inner] || g.sizes[outer] == 1);
  };
  return dense(n - 1, n - 2) || dense(n - 2, n - 1);
}

// Operands that are copied since they lie otherwise; half-precision kernels pack blocks.
uint64_t product(const CallSignature&, const Tensors& t) {
  uint64_t copies = 0, half = 0;
  for (const Geometry* g : t.operands) {
    const bool packed = g->dtype == tensor::DType::kBFloat16 || g->dtype == tensor::DType::kFloat16;
    half += packed ? bytes(*g) : 0;
    copies += is_matrix(*g) ? 0 : bytes(*g);
  }
  return copies + std::min(4 * half, kPackedMax);
}

// What is read by stride is copied first.
uint64_t strided(const CallSignature&, const Tensors& t) {
  uint64_t sum = 0;
  for (const Geometry* g : t.operands) sum += tensor::is_contiguous(*g) ? 0 : bytes(*g);
  return sum;
}

uint64_t convolution(const CallSignature& s, const Tensors&) { return convolution_workspace(s); }
uint64_t convolution_backward(const CallSignature& s, const Tensors&) {
  return convolution_backward_workspace(s);
}

// Which elements, and which rows, are all masked out.
uint64_t safe_softmax(const CallSignature& s, const Tensors& t) {
  const Geometry& g = *t.operands[0];
  const auto n = static_cast<int64_t>(g.sizes.size());
  if (n == 0 || s.args.size() < 2 || s.args[1].ints.empty()) return count(g);
  const int64_t dim = s.args[1].ints[0];
  const auto along = static_cast<size_t>(dim < 0 ? dim + n : dim);
  return count(g) + count(g) / static_cast<uint64_t>(std::max<int64_t>(g.sizes[along], 1));
}

// Sums of each channel.
uint64_t batch_norm(const CallSignature&, const Tensors& t) {
  return t.results.size() < 3 ? 0 : bytes_at(t.results, 1) + bytes_at(t.results, 2);
}
// Sums of gains and biases, by thread.
uint64_t layer_norm_backward(const CallSignature&, const Tensors& t) {
  return bytes_at(t.results, 1) + bytes_at(t.results, 2);
}
uint64_t one_operand(const CallSignature&, const Tensors& t) { return bytes_at(t.operands, 0); }
// Blocks of scores, in float32; `query` and `key` are [batch, heads, tokens, width].
struct Blocks {
  uint64_t queries = 0, keys = 0, width = 0;
};
Blocks attention_blocks(const Geometry& query, const Geometry& key) {
  if (query.sizes.size() != 4 || key.sizes.size() != 4) return {};
  const auto tokens = static_cast<uint64_t>(query.sizes[2]);
  const uint64_t block = tokens >= 768 ? 256 : tokens >= 192 ? 64 : 32;
  return {std::min(block, tokens), std::min<uint64_t>(512, static_cast<uint64_t>(key.sizes[2])),
          static_cast<uint64_t>(query.sizes[3])};
}
uint64_t flash_attention(const CallSignature&, const Tensors& t) {
  if (t.operands.size() < 3) return 0;
  const Blocks b = attention_blocks(*t.operands[0], *t.operands[1]);
  return 4 * b.queries * (b.keys + 2 + b.width);
}
// A gradient that does not lie token by token is copied.
uint64_t flash_attention_backward(const CallSignature&, const Tensors& t) {
  if (t.operands.size() < 4 || t.operands[0]->sizes.size() != 4) return 0;
  const Blocks b = attention_blocks(*t.operands[1], *t.operands[2]);
  Geometry by_token = *t.operands[0];
  std::swap(by_token.sizes[1], by_token.sizes[2]);
  std::swap(by_token.strides[1], by_token.strides[2]);
  const uint64_t copy = tensor::is_contiguous(by_token) ? 0 : bytes(by_token);
  return 4 * b.queries * (2 * b.keys + 1) + copy;
}
uint64_t everything(const CallSignature&, const Tensors& t) {
  return bytes(t.operands) + bytes(t.results);
}
// A large matrix that is copied into rows from columns goes by blocks.
uint64_t turned(const CallSignature&, const Tensors& t) {
  for (const Geometry* g : t.operands) {
    if (g->sizes.size() != 2 || g->strides[0] != 1 || count(*g) < kTurnedBlock) continue;
    return kTurnedBlock * tensor::dtype_size(g->dtype);
  }
  return 0;
}
// Keys of one row and their places.
uint64_t sorted(const CallSignature& s, const Tensors& t) {
  return s.op.ends_with("topk") || t.operands.empty() ? bytes(t.operands)
                                                      : 2 * bytes_at(t.operands, 0);
}

// Slopes, and of which elements they are.
uint64_t noise(const CallSignature&, const Tensors& t) {
  return t.operands.empty() ? 0 : 2 * bytes(*t.operands[0]) + count(*t.operands[0]);
}

struct Row {
  std::string_view base;
  uint64_t (*bytes)(const CallSignature&, const Tensors&);
};
constexpr Row kRows[] = {
    {"_safe_softmax", safe_softmax},
    {"_scaled_dot_product_flash_attention", flash_attention},
    {"_scaled_dot_product_flash_attention_backward", flash_attention_backward},
    {"_scaled_dot_product_flash_attention_for_cpu", flash_attention},
    {"_scaled_dot_product_flash_attention_for_cpu_backward", flash_attention_backward},
    {"_thnn_fused_lstm_cell", everything},
    {"_thnn_fused_lstm_cell_backward_impl", everything},
    {"addmm", product},
    {"addmv", product},
    {"baddbmm", product},
    {"bmm", product},
    {"clone", turned},
    {"convolution", convolution},
    {"convolution_backward", convolution_backward},
    {"copy", turned},
    {"embedding", strided},
    {"embedding_dense_backward", strided},
    {"index", strided},
    {"index_put", one_operand},
    {"mm", product},
    {"mv", product},
    {"native_batch_norm", batch_norm},
    {"native_batch_norm_backward", one_operand},
    {"native_dropout", one_operand},
    {"native_dropout_backward", one_operand},
    {"native_layer_norm_backward", layer_norm_backward},
    {"rrelu_with_noise", noise},
    {"sort", sorted},
    {"topk", sorted},
    {"upsample_nearest2d", everything},
};
static_assert(std::ranges::is_sorted(kRows, {}, &Row::base));

}  // namespace

uint64_t workspace_bytes(const CallSignature& s) {
  std::string_view base = s.op;
  base = base.substr(base.starts_with("aten::") ? 6 : 0);
  if (base.ends_with('_')) base.remove_suffix(1);
  const Row* row = std::ranges::lower_bound(kRows, base, {}, &Row::base);
  if (row == std::end(kRows) || row->base != base) return kScalars;
  Tensors t;
  for (const ops::Arg* a : ops::tensor_operands(s)) t.operands.push_back(&a->geometry);
  for (const ops::Result* r : ops::fresh_results(s)) t.results.push_back(&r->geometry);
  return kScalars + (t.operands.empty() ? 0 : row->bytes(s, t));
}

}  // namespace moai::compiler::cost
