// Attention. Results lie as the CPU kernels leave them.
#include <ATen/OpMathType.h>

#include "moai/front/shape/meta_tensor.h"
#include "moai/front/shape/rows.h"

namespace moai::front::shape {
namespace {

namespace op = at::_ops;
using at::Tensor;

// [batch, heads, tokens, width] stored as [batch, tokens, heads, width].
Tensor heads_inside(at::IntArrayRef sizes, c10::ScalarType type) {
  const int64_t heads = sizes[1], tokens = sizes[2], width = sizes[3];
  return fresh(sizes, {tokens * heads * width, width, heads * width, 1}, type);
}

Tensor sums_of(const Tensor& query) {
  const int64_t heads = query.size(1), tokens = query.size(2);
  return fresh({query.size(0), heads, tokens}, {tokens * heads, 1, heads},
               at::toOpMathType(query.scalar_type()));
}

void check_operands(const Tensor& query, const Tensor& key, const Tensor& value) {
  TORCH_CHECK(query.dim() == 4 && key.dim() == 4 && value.dim() == 4,
              "scaled_dot_product_attention_flash_attention: Accept only 4 dims inputs shape of "
              "{B, H, T, K}");
  TORCH_CHECK(query.size(3) == value.size(3) && key.size(3) == value.size(3),
              "scaled_dot_product_attention_flash_attention: Q/K/V should have the same head size");
}

using Flash = std::tuple<Tensor, Tensor, Tensor, Tensor, int64_t, int64_t, Tensor, Tensor, Tensor>;

// The generator state is there for devices that draw; without it its gradient could not run there.
Flash flash_attention(const Tensor& query, const Tensor& key, const Tensor& value, double, bool,
                      bool, std::optional<double>) {
  check_operands(query, key, value);
  return {like(query),
          sums_of(query),
          {},
          {},
          query.size(2),
          key.size(2),
          fresh({2}, at::kUInt64),
          fresh({}, at::kUInt64),
          fresh({0}, query.scalar_type())};
}

std::tuple<Tensor, Tensor, Tensor> flash_attention_backward(const Tensor&, const Tensor& query,
                                                            const Tensor& key, const Tensor& value,
                                                            const Tensor&, const Tensor&,
                                                            const Tensor&, const Tensor&, int64_t,
                                                            int64_t, double, bool, const Tensor&,
                                                            const Tensor&, std::optional<double>) {
  return {heads_inside(query.sizes(), query.scalar_type()),
          heads_inside(key.sizes(), key.scalar_type()),
          heads_inside(value.sizes(), value.scalar_type())};
}

using Efficient = std::tuple<Tensor, Tensor, Tensor, Tensor>;

Efficient efficient_attention(const Tensor& query, const Tensor& key, const Tensor& value,
                              const std::optional<Tensor>&, bool, double, bool,
                              std::optional<double>) {
  check_operands(query, key, value);
  return {like(query), sums_of(query), fresh({}, at::kLong), fresh({}, at::kLong)};
}

Efficient efficient_attention_backward(const Tensor&, const Tensor& query, const Tensor& key,
                                       const Tensor& value, const Tensor&, const Tensor&,
                                       const Tensor&, const Tensor&, const Tensor&, double,
                                       std::array<bool, 4> wanted, bool, std::optional<double>) {
  TORCH_CHECK_NOT_IMPLEMENTED(
      !wanted[3],
      "aten::_scaled_dot_product_efficient_attention_backward: no gradient of the mask");
  return {heads_inside(query.sizes(), query.scalar_type()),
          heads_inside(key.sizes(), key.scalar_type()),
          heads_inside(value.sizes(), value.scalar_type()),
          {}};
}

std::tuple<Tensor, Tensor> flash_attention_for_cpu(const Tensor& query, const Tensor& key,
                                                   const Tensor& value, double, bool,
                                                   const std::optional<Tensor>&,
                                                   std::optional<double>) {
  check_operands(query, key, value);
  return {like(query), sums_of(query)};
}

std::tuple<Tensor, Tensor, Tensor> flash_attention_for_cpu_backward(
    const Tensor&, const Tensor& query, const Tensor& key, const Tensor& value, const Tensor&,
    const Tensor&, double, bool, const std::optional<Tensor>&, std::optional<double>) {
  return {heads_inside(query.sizes(), query.scalar_type()),
          heads_inside(key.sizes(), key.scalar_type()),
          heads_inside(value.sizes(), value.scalar_type())};
}

const Row kRows[] = {
    ours<op::_scaled_dot_product_flash_attention>(flash_attention),
    ours<op::_scaled_dot_product_flash_attention_backward>(flash_attention_backward),
    ours<op::_scaled_dot_product_efficient_attention>(efficient_attention),
    ours<op::_scaled_dot_product_efficient_attention_backward>(efficient_attention_backward),
    ours<op::_scaled_dot_product_flash_attention_for_cpu>(flash_attention_for_cpu),
    ours<op::_scaled_dot_product_flash_attention_for_cpu_backward>(
        flash_attention_for_cpu_backward),
};

}  // namespace

std::span<const Row> attention_rows() { return kRows; }

}  // namespace moai::front::shape
