#include "moai/tensor/dtype.h"

#include <gtest/gtest.h>

namespace moai::tensor {
namespace {

TEST(DType, NamesParseBackAndSizesAreThoseOfElements) {
  int count = 0;
  for (int number = 0; number < 256; ++number) {
    const auto dtype = static_cast<DType>(number);
    if (!is_dtype(static_cast<uint8_t>(number))) {
      EXPECT_EQ(dtype_name(dtype), "?");
      continue;
    }
    ++count;
    EXPECT_EQ(dtype_from_name(dtype_name(dtype)), dtype);
    EXPECT_GT(dtype_size(dtype), 0u);
    EXPECT_LE(dtype_size(dtype), 16u);
  }
  EXPECT_EQ(count, 20);
  EXPECT_FALSE(dtype_from_name("?"));
  EXPECT_FALSE(dtype_from_name("float"));
}

TEST(DType, SizesOfSomeElements) {
  EXPECT_EQ(dtype_size(DType::kBool), 1u);
  EXPECT_EQ(dtype_size(DType::kBFloat16), 2u);
  EXPECT_EQ(dtype_size(DType::kFloat32), 4u);
  EXPECT_EQ(dtype_size(DType::kComplex128), 16u);
}

}  // namespace
}  // namespace moai::tensor
