#include "moai/comm/collective/half.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>

namespace moai::comm {
namespace {

TEST(Half, EveryNumberComesBack) {
  for (uint32_t bits = 0; bits < 65536; ++bits) {
    const auto half = static_cast<uint16_t>(bits);
    const float wide = from_float16(half), brain = from_bfloat16(half);
    if (std::isnan(wide)) {
      EXPECT_TRUE(std::isnan(from_float16(to_float16(wide)))) << bits;
    } else {
      ASSERT_EQ(to_float16(wide), half);
    }
    if (std::isnan(brain)) {
      EXPECT_TRUE(std::isnan(from_bfloat16(to_bfloat16(brain)))) << bits;
    } else {
      ASSERT_EQ(to_bfloat16(brain), half);
    }
  }
}

TEST(Half, SomeNumbersAreKnown) {
  EXPECT_EQ(from_float16(0x3c00), 1.0f);
  EXPECT_EQ(from_float16(0xc000), -2.0f);
  EXPECT_EQ(from_float16(0x7bff), 65504.0f);
  EXPECT_EQ(from_float16(0x0001), std::ldexp(1.0f, -24));
  EXPECT_EQ(from_float16(0x7c00), std::numeric_limits<float>::infinity());
  EXPECT_EQ(to_float16(65519.9f), 0x7bff);
  EXPECT_EQ(to_float16(65520.0f), 0x7c00);
  EXPECT_EQ(to_float16(-1e30f), 0xfc00);
  EXPECT_EQ(to_float16(std::ldexp(1.0f, -25)), 0);  // a tie with zero
  EXPECT_EQ(from_bfloat16(0x3f80), 1.0f);
  EXPECT_EQ(to_bfloat16(std::numeric_limits<float>::max()), 0x7f80);
}

// No neighbour is nearer, and of two as near the even one is taken.
template <class To, class From>
void expect_nearest(float value, To to, From from) {
  const uint16_t half = to(value);
  const double error = std::abs(double{from(half)} - value);
  for (int step : {-1, 1}) {
    const auto other = static_cast<uint16_t>(half + step);
    const float neighbour = from(other);
    if (!std::isfinite(neighbour) || std::signbit(neighbour) != std::signbit(value)) continue;
    const double its = std::abs(double{neighbour} - value);
    ASSERT_TRUE(error < its || (error == its && half % 2 == 0)) << value << " " << half;
  }
}

TEST(Half, RoundsToTheNearestAndTiesToEven) {
  std::mt19937 random(1);
  for (int i = 0; i < 200'000; ++i) {
    const auto exponent = static_cast<int>(random() % 42) - 27;
    const float value =
        std::ldexp(static_cast<float>(static_cast<int32_t>(random()) >> 8), exponent - 23);
    if (std::abs(value) < 65504.0f) expect_nearest(value, to_float16, from_float16);
    expect_nearest(value, to_bfloat16, from_bfloat16);
    // Ties: halfway between two neighbours.
    const auto half = static_cast<uint16_t>(random() % 0x7bff);
    const float tie = (from_float16(half) + from_float16(static_cast<uint16_t>(half + 1))) / 2;
    expect_nearest(tie, to_float16, from_float16);
  }
}

}  // namespace
}  // namespace moai::comm
