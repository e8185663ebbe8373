#include "moai/cluster/device_kind.h"

#include <gtest/gtest.h>

namespace moai::cluster {
namespace {

TEST(DeviceKind, ThePeakIsThatOfTheUnitThatComputes) {
  const DeviceKind d{.peak = {.fp64 = 1, .fp32 = 2, .tf32 = 3, .fp16 = 4, .bf16 = 5}};
  EXPECT_EQ(peak_flops(d, tensor::DType::kFloat64), 1);
  EXPECT_EQ(peak_flops(d, tensor::DType::kComplex128), 1);
  EXPECT_EQ(peak_flops(d, tensor::DType::kFloat32), 2);
  EXPECT_EQ(peak_flops(d, tensor::DType::kFloat32, /*allow_tf32=*/true), 3);
  EXPECT_EQ(peak_flops(d, tensor::DType::kFloat16), 4);
  EXPECT_EQ(peak_flops(d, tensor::DType::kBFloat16), 5);
  EXPECT_EQ(peak_flops(d, tensor::DType::kInt64), 2);
}

}  // namespace
}  // namespace moai::cluster
