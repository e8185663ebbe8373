#include "moai/compiler/cost/kernel_cost.h"

#include <gtest/gtest.h>

namespace moai::compiler::cost {
namespace {

using cluster::DeviceKind;
using tensor::DType;

DeviceKind round_numbers() {
  DeviceKind d;
  d.memory_bytes_per_s = 1e12;
  d.peak = {.fp64 = 1e12, .fp32 = 2e12, .tf32 = 8e12, .fp16 = 16e12, .bf16 = 16e12};
  d.fitted = {.gemm_efficiency = 0.5,
              .gemm_ramp = 64,
              .elementwise_traffic = 2,
              .attention_efficiency = 0.25,
              .launch_s = 1e-6};
  return d;
}

CallWork product(int64_t m, int64_t n, int64_t k, int64_t bytes, int products = 1) {
  const double flops =
      2.0 * products * static_cast<double>(m) * static_cast<double>(n) * static_cast<double>(k);
  return {.kind = WorkKind::kProduct,
          .dtype = DType::kBFloat16,
          .flops = flops,
          .bytes_read = bytes,
          .product = {.m = m, .n = n, .k = k},
          .products = products};
}

TEST(KernelCost, ALargeProductReachesItsPartOfThePeak) {
  const double ideal = 2 * 4096.0 * 4096 * 4096 / 8e12;
  EXPECT_DOUBLE_EQ(call_seconds(round_numbers(), product(4096, 4096, 4096, 0)),
                   ideal * (1 + 3 * 64.0 / 4096) + 1e-6);
  EXPECT_DOUBLE_EQ(call_seconds(round_numbers(), product(4096, 4096, 4096, 0, 2)),
                   2 * ideal * (1 + 3 * 64.0 / 4096) + 1e-6);
}

TEST(KernelCost, AThinProductIsBoundByItsBytes) {
  EXPECT_DOUBLE_EQ(call_seconds(round_numbers(), product(1, 4096, 4096, 100'000'000)), 1e-4 + 1e-6);
}

TEST(KernelCost, TheUnitFollowsTheTypeAndTheUser) {
  const DeviceKind d = round_numbers();
  const Product p{.m = 1024, .n = 1024, .k = 1024};
  EXPECT_DOUBLE_EQ(product_seconds(d, DType::kFloat64, p),
                   16 * product_seconds(d, DType::kFloat16, p));
  EXPECT_DOUBLE_EQ(product_seconds(d, DType::kFloat32, p),
                   4 * product_seconds(d, DType::kFloat32, p, {.allow_tf32 = true}));
}

TEST(KernelCost, OtherCallsAreBytesAndALaunch) {
  const DeviceKind d = round_numbers();
  EXPECT_DOUBLE_EQ(call_seconds(d, {.bytes_read = 3'000'000, .bytes_written = 1'000'000}), 9e-6);
  EXPECT_DOUBLE_EQ(call_seconds(d, {}), 1e-6);
  EXPECT_EQ(call_seconds(d, {.kind = WorkKind::kNothing}), 0);
}

TEST(KernelCost, AttentionHasAnEfficiencyOfItsOwn) {
  CallWork work{.kind = WorkKind::kAttention, .dtype = DType::kBFloat16, .flops = 4e9};
  EXPECT_DOUBLE_EQ(call_seconds(round_numbers(), work), 1e-3 + 1e-6);
  work.bytes_read = 2'000'000'000;
  EXPECT_DOUBLE_EQ(call_seconds(round_numbers(), work), 2e-3 + 1e-6);
}

DeviceKind with_rows(std::initializer_list<cluster::GemmTime> rows) {
  DeviceKind d = round_numbers();
  d.gemm_times = rows;
  return d;
}

TEST(KernelCost, AMeasuredProductIsWhatWasMeasured) {
  const DeviceKind d =
      with_rows({{.dtype = DType::kBFloat16, .m = 128, .n = 256, .k = 512, .seconds = 5e-5},
                 {.dtype = DType::kFloat32, .m = 128, .n = 256, .k = 512, .seconds = 9e-5}});
  EXPECT_DOUBLE_EQ(product_seconds(d, DType::kBFloat16, {.m = 128, .n = 256, .k = 512}), 5e-5);
  EXPECT_DOUBLE_EQ(product_seconds(d, DType::kFloat32, {.m = 128, .n = 256, .k = 512}), 9e-5);
  // No row of this type.
  EXPECT_DOUBLE_EQ(
      product_seconds(d, DType::kFloat64, {.m = 128, .n = 256, .k = 512}),
      product_seconds(round_numbers(), DType::kFloat64, {.m = 128, .n = 256, .k = 512}));
}

TEST(KernelCost, BetweenMeasuredProductsTheFormulaIsScaled) {
  const DeviceKind plain = round_numbers();
  const auto formula = [&](int64_t m) {
    return product_seconds(plain, DType::kBFloat16, {.m = m, .n = 256, .k = 512});
  };
  const DeviceKind d = with_rows(
      {{.dtype = DType::kBFloat16, .m = 128, .n = 256, .k = 512, .seconds = 2 * formula(128)},
       {.dtype = DType::kBFloat16, .m = 512, .n = 256, .k = 512, .seconds = 3 * formula(512)}});
  const auto measured = [&](int64_t m) {
    return product_seconds(d, DType::kBFloat16, {.m = m, .n = 256, .k = 512}) / formula(m);
  };
  EXPECT_NEAR(measured(256), 2.5, 1e-12);
  EXPECT_GT(measured(400), measured(200));
  EXPECT_NEAR(measured(1 << 20), 2.5, 0.2);
}

TEST(KernelCost, AnEmptyProductIsALaunch) {
  EXPECT_DOUBLE_EQ(call_seconds(round_numbers(), product(0, 5, 7, 0)), 1e-6);
}

}  // namespace
}  // namespace moai::compiler::cost
