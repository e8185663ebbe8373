// Attention as fronts record it, on the device of the tests, beside the kernels of the CPU.
#include <ATen/ATen.h>
#include <gmock/gmock.h>

#include "moai/device/aten/call/calls_testing.h"

namespace moai::device {
namespace {

using at::Tensor;

// [batch, heads, tokens, width] that lies as [batch, tokens, heads, width].
Tensor heads_inside(int64_t tokens, int64_t width, at::ScalarType type) {
  return at::randn({2, tokens, 3, width}).to(type).transpose(1, 2);
}

class AttentionCall : public CallTest {
 protected:
  static std::string sums_text(const Tensor& query) {
    const int64_t tokens = query.size(2);
    return "f32[2,3," + std::to_string(tokens) + "]{" + std::to_string(3 * tokens) + ",1,3}";
  }

  // Forward and backward, of so many queries beside so many keys.
  void expect_like_the_cpu(int64_t queries, int64_t keys, at::ScalarType type, bool causal) {
    SCOPED_TRACE(std::to_string(queries) + " beside " + std::to_string(keys) + ", " +
                 at::toString(type) + (causal ? ", causal" : ""));
    const Tensor q = heads_inside(queries, 16, type), k = heads_inside(keys, 16, type),
                 v = heads_inside(keys, 16, type), grad = heads_inside(queries, 16, type);
    const std::string inputs = text_of(q) + ", " + text_of(k) + ", " + text_of(v);
    const std::string is_causal = causal ? "true" : "false";
    const std::string sums = sums_text(q), out_text = text_of(q);
    const auto made = run("aten::_scaled_dot_product_flash_attention(" + inputs + ", word, " +
                              is_causal + ", false, none) -> " + out_text + ", " + sums +
                              "?, undefined?, undefined?, _, _, u64[2]?, u64[]?, " +
                              (type == at::kFloat ? "f32[0]?" : "bf16[0]?"),
                          {q, k, v}, {word(0)});
    ASSERT_EQ(status_, ok_status()) << status_.to_string();
    const auto [out, lse] = at::_scaled_dot_product_flash_attention_for_cpu(q, k, v, 0, causal);
    expect_close(made[0], out, "the result");
    const auto grads =
        run("aten::_scaled_dot_product_flash_attention_backward(" + text_of(grad) + ", " + inputs +
                ", " + out_text + ", " + sums + ", undefined, undefined, " +
                std::to_string(queries) + ", " + std::to_string(keys) + ", word, " + is_causal +
                ", u64[2], u64[], none) -> " + text_of(q) + ", " + text_of(k) + ", " + text_of(v),
            {grad, q, k, v, made[0], made[1], at::zeros({2}, at::kLong), at::zeros({}, at::kLong)},
            {word(0)});
    ASSERT_EQ(status_, ok_status()) << status_.to_string();
    const auto [dq, dk, dv] = at::_scaled_dot_product_flash_attention_for_cpu_backward(
        grad, q, k, v, out, lse, 0, causal);
    expect_close(grads[0], dq, "of queries");
    expect_close(grads[1], dk, "of keys");
    expect_close(grads[2], dv, "of values");
  }

  static void expect_close(const Tensor& got, const Tensor& wanted, const char* what) {
    const double error = wanted.scalar_type() == at::kFloat ? 2e-5 : 4e-2;
    const Tensor a = got.to(at::kDouble), b = wanted.to(at::kDouble);
    EXPECT_TRUE(a.allclose(b, error, error))
        << what << ": off by " << (a - b).abs().max().item<double>();
  }
};

TEST_F(AttentionCall, IsWhatTheCpuComputes) {
  at::manual_seed(11);
  for (const auto type : {at::kFloat, at::kBFloat16}) {
    for (const bool causal : {false, true}) {
      expect_like_the_cpu(32, 32, type, causal);
      expect_like_the_cpu(37, 37, type, causal);  // no whole multiple of what kernels work on
      expect_like_the_cpu(5, 40, type, causal);   // a causal mask begins at the first key
    }
  }
}

TEST_F(AttentionCall, WithAMaskToo) {
  at::manual_seed(12);
  const Tensor q = heads_inside(37, 16, at::kFloat), k = heads_inside(37, 16, at::kFloat),
               v = heads_inside(37, 16, at::kFloat), grad = heads_inside(37, 16, at::kFloat);
  const Tensor masks[] = {
      // As torch hands it over: padded to sixteens and cut again, then expanded.
      at::randn({2, 1, 37, 48}).slice(3, 0, 37).expand({2, 3, 37, 37}),
      // As it is where a plan has cut it.
      at::randn({37, 37}), at::randn({2, 3, 37, 37}), at::randn({1, 3, 37, 64}).narrow(3, 5, 37)};
  for (const Tensor& mask : masks) {
    const std::string inputs =
        text_of(q) + ", " + text_of(k) + ", " + text_of(v) + ", " + text_of(mask);
    SCOPED_TRACE(text_of(mask));
    const auto made = run("aten::_scaled_dot_product_efficient_attention(" + inputs +
                              ", true, word, false, none) -> " + text_of(q) + ", " + sums_text(q) +
                              "?, i64[]?, i64[]?",
                          {q, k, v, mask}, {word(0)});
    ASSERT_EQ(status_, ok_status()) << status_.to_string();
    const auto [out, lse] =
        at::_scaled_dot_product_flash_attention_for_cpu(q, k, v, 0, false, mask.contiguous());
    expect_close(made[0], out, "the result");
    const Tensor zero = at::zeros({}, at::kLong);
    const auto grads =
        run("aten::_scaled_dot_product_efficient_attention_backward(" + text_of(grad) + ", " +
                inputs + ", " + text_of(q) + ", " + sums_text(q) +
                ", i64[], i64[], word, bools[true,true,true,false], false, none) "
                "-> " +
                text_of(q) + ", " + text_of(k) + ", " + text_of(v) + ", undefined",
            {grad, q, k, v, mask, made[0], made[1], zero, zero}, {word(0)});
    ASSERT_EQ(status_, ok_status()) << status_.to_string();
    const auto [dq, dk, dv] = at::_scaled_dot_product_flash_attention_for_cpu_backward(
        grad, q, k, v, out, lse, 0, false, mask.contiguous());
    expect_close(grads[0], dq, "of queries");
    expect_close(grads[1], dk, "of keys");
    expect_close(grads[2], dv, "of values");
  }
}

}  // namespace
}  // namespace moai::device
