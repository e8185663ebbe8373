#include "moai/tensor/reduction.h"

#include <gtest/gtest.h>

#include <set>

namespace moai::tensor {
namespace {

TEST(Reduction, NamesParseBackAndDiffer) {
  std::set<std::string_view> names;
  for (int number = 0; number < 256; ++number) {
    const auto reduction = static_cast<Reduction>(number);
    if (!is_reduction(static_cast<uint8_t>(number))) {
      EXPECT_EQ(reduction_name(reduction), "?");
      continue;
    }
    EXPECT_TRUE(names.insert(reduction_name(reduction)).second);
    EXPECT_EQ(reduction_from_name(reduction_name(reduction)), reduction);
  }
  EXPECT_EQ(names.size(), 7u);
  EXPECT_FALSE(reduction_from_name("?"));
  EXPECT_FALSE(reduction_from_name("mean"));
}

TEST(Reduction, SomeTypesHaveNoSense) {
  EXPECT_TRUE(can_reduce(DType::kBFloat16, Reduction::kSum));
  EXPECT_TRUE(can_reduce(DType::kComplex64, Reduction::kSum));
  EXPECT_FALSE(can_reduce(DType::kComplex64, Reduction::kMax));
  EXPECT_FALSE(can_reduce(DType::kComplex32, Reduction::kSum));
  EXPECT_FALSE(can_reduce(DType::kBool, Reduction::kSum));
  EXPECT_FALSE(can_reduce(DType::kInt32, Reduction::kNorm2));
}

TEST(Reduction, NumbersOfTheWireStay) {
  EXPECT_EQ(static_cast<int>(Reduction::kSum), 0);
  EXPECT_EQ(static_cast<int>(Reduction::kProduct), 5);
  EXPECT_EQ(reduction_name(Reduction::kNorm2), "norm2");
}

}  // namespace
}  // namespace moai::tensor
