#include "moai/comm/collective/reduce.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

#include "moai/comm/collective/half.h"

namespace moai::comm {
namespace {

using tensor::DType;
using tensor::Reduction;

template <class T>
std::vector<T> reduced(const std::vector<std::vector<T>>& ranks, DType dtype, Reduction reduction) {
  EXPECT_TRUE(check_reducible(dtype, reduction).ok());
  std::vector<const std::byte*> parts;
  for (const auto& rank : ranks) parts.push_back(reinterpret_cast<const std::byte*>(rank.data()));
  const size_t bytes = ranks[0].size() * sizeof(T);
  std::vector<T> out(ranks[0].size());
  reduce(parts, bytes / tensor::dtype_size(dtype), dtype, reduction,
         reinterpret_cast<std::byte*>(out.data()));
  return out;
}

TEST(Reduce, SumsInTheOrderOfRanks) {
  // (1e8 + 1) - 1e8 + 1 differs in every other order.
  const std::vector<std::vector<float>> ranks = {{1e8f, 1}, {1, 1e8f}, {-1e8f, -1e8f}, {1, 1}};
  const std::vector<float> expected = {((1e8f + 1) + -1e8f) + 1, ((1 + 1e8f) + -1e8f) + 1};
  EXPECT_EQ(reduced(ranks, DType::kFloat32, Reduction::kSum), expected);
  EXPECT_EQ(reduced<float>({{1}, {1e8f}, {1}, {-1e8f}}, DType::kFloat32, Reduction::kSum)[0], 0.0f);
}

TEST(Reduce, HalvesAreRoundedOnceAtTheEnd) {
  // 2048 + 1 is no f16, but 2048 + 1 + 1 is.
  const std::vector<std::vector<uint16_t>> ranks = {{0x6800}, {0x3c00}, {0x3c00}};
  EXPECT_EQ(from_float16(reduced(ranks, DType::kFloat16, Reduction::kSum)[0]), 2050.0f);
  const std::vector<std::vector<uint16_t>> brain = {
      {to_bfloat16(256)}, {to_bfloat16(1)}, {to_bfloat16(1)}};
  EXPECT_EQ(from_bfloat16(reduced(brain, DType::kBFloat16, Reduction::kSum)[0]), 258.0f);
}

TEST(Reduce, IntegersWrap) {
  EXPECT_EQ(reduced<int8_t>({{100}, {100}}, DType::kInt8, Reduction::kSum)[0], -56);
  EXPECT_EQ(reduced<uint8_t>({{200}, {100}}, DType::kUInt8, Reduction::kSum)[0], 44);
  EXPECT_EQ(reduced<int16_t>({{-300}, {300}}, DType::kInt16, Reduction::kProduct)[0],
            static_cast<int16_t>(-90000));
  const int64_t big = std::numeric_limits<int64_t>::max();
  EXPECT_EQ(reduced<int64_t>({{big}, {1}}, DType::kInt64, Reduction::kSum)[0],
            std::numeric_limits<int64_t>::min());
  EXPECT_EQ(reduced<int32_t>({{-7}, {3}, {-20}}, DType::kInt32, Reduction::kMin)[0], -20);
  EXPECT_EQ(reduced<uint64_t>({{7}, {~0ull}}, DType::kUInt64, Reduction::kMax)[0], ~0ull);
}

TEST(Reduce, NanWinsInMaxAndMin) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  for (Reduction reduction : {Reduction::kMax, Reduction::kMin}) {
    EXPECT_TRUE(std::isnan(reduced<float>({{1}, {nan}, {2}}, DType::kFloat32, reduction)[0]));
    EXPECT_TRUE(std::isnan(reduced<float>({{nan}, {1}, {2}}, DType::kFloat32, reduction)[0]));
    EXPECT_TRUE(std::isnan(reduced<float>({{1}, {2}, {nan}}, DType::kFloat32, reduction)[0]));
  }
  EXPECT_EQ(reduced<double>({{1}, {3}, {2}}, DType::kFloat64, Reduction::kMax)[0], 3);
  EXPECT_EQ(reduced<double>({{2}, {1}, {3}}, DType::kFloat64, Reduction::kMin)[0], 1);
}

TEST(Reduce, LogicalResultsAreZeroOrOne) {
  EXPECT_EQ(reduced<uint8_t>({{3, 0, 0}, {4, 0, 5}}, DType::kUInt8, Reduction::kAny),
            (std::vector<uint8_t>{1, 0, 1}));
  EXPECT_EQ(reduced<uint8_t>({{3, 0, 0}, {4, 0, 5}}, DType::kUInt8, Reduction::kAll),
            (std::vector<uint8_t>{1, 0, 0}));
  EXPECT_EQ(reduced<uint8_t>({{1, 0}, {1, 1}}, DType::kBool, Reduction::kMin),
            (std::vector<uint8_t>{1, 0}));
  EXPECT_EQ(reduced<uint8_t>({{0, 0}, {1, 0}}, DType::kBool, Reduction::kMax),
            (std::vector<uint8_t>{1, 0}));
}

TEST(Reduce, NormIsTheRootOfSquaresWithoutOverflow) {
  EXPECT_EQ(reduced<float>({{3}, {-4}}, DType::kFloat32, Reduction::kNorm2)[0], 5.0f);
  EXPECT_EQ(reduced<float>({{3e30f}, {4e30f}}, DType::kFloat32, Reduction::kNorm2)[0], 5e30f);
  EXPECT_EQ(reduced<double>({{-2}}, DType::kFloat64, Reduction::kNorm2)[0], 2.0);
  EXPECT_EQ(from_float16(reduced<uint16_t>({{to_float16(3)}, {to_float16(4)}}, DType::kFloat16,
                                           Reduction::kNorm2)[0]),
            5.0f);
}

TEST(Reduce, ComplexNumbersHaveSumAndProduct) {
  const std::vector<std::vector<float>> ranks = {{1, 2, 0, 1}, {3, -1, 0, 1}};
  EXPECT_EQ(reduced(ranks, DType::kComplex64, Reduction::kSum), (std::vector<float>{4, 1, 0, 2}));
  EXPECT_EQ(reduced(ranks, DType::kComplex64, Reduction::kProduct),
            (std::vector<float>{5, 5, -1, 0}));
}

TEST(Reduce, WhatMakesNoSenseIsRefusedWithWhatDoes) {
  const Status status = check_reducible(DType::kComplex64, Reduction::kMax);
  EXPECT_EQ(status.code(), Code::kInvalidArgument);
  EXPECT_NE(status.message().find("'max' over elements of c64; it has sum, product"),
            std::string::npos)
      << status.message();
  EXPECT_FALSE(check_reducible(DType::kBool, Reduction::kSum).ok());
  EXPECT_FALSE(check_reducible(DType::kInt32, Reduction::kNorm2).ok());
  EXPECT_FALSE(check_reducible(DType::kFloat32, Reduction::kAny).ok());
  EXPECT_FALSE(check_reducible(DType::kFloat8E5M2, Reduction::kSum).ok());
}

TEST(Reduce, BitsDependOnNeitherPlaceNorCount) {
  constexpr size_t kCount = 3000;
  std::vector<std::vector<float>> ranks(3, std::vector<float>(kCount));
  for (size_t r = 0; r < 3; ++r) {
    for (size_t i = 0; i < kCount; ++i) {
      ranks[r][i] = std::sin(static_cast<float>(i * 7 + r)) * std::pow(10.0f, float(i % 9));
    }
  }
  const std::vector<float> whole = reduced(ranks, DType::kFloat32, Reduction::kSum);
  // Pieces of 13, each moved off its alignment.
  for (size_t at = 0; at + 13 <= kCount; at += 13) {
    char moved[3][13 * 4 + 1], out[13 * 4 + 1];
    std::vector<const std::byte*> parts;
    for (size_t r = 0; r < 3; ++r) {
      std::memcpy(moved[r] + 1, &ranks[r][at], 13 * 4);
      parts.push_back(reinterpret_cast<const std::byte*>(moved[r] + 1));
    }
    reduce(parts, 13, DType::kFloat32, Reduction::kSum, reinterpret_cast<std::byte*>(out + 1));
    ASSERT_EQ(std::memcmp(out + 1, &whole[at], 13 * 4), 0) << at;
  }
}

}  // namespace
}  // namespace moai::comm
