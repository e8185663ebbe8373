#include "moai/device/aten/random/elementary.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace moai::device {
namespace {

TEST(Elementary, LogarithmIsPreciseOverTheUnitInterval) {
  for (double x = 0x1p-60; x <= 1.5; x *= 1.0009765) {
    const double expected = std::log(x);
    EXPECT_NEAR(elementary::log<double>(x), expected, 1e-15 * std::fabs(expected)) << x;
    const auto narrow = static_cast<float>(x);
    const double wanted = std::log(static_cast<double>(narrow));
    EXPECT_NEAR(elementary::log<float>(narrow), wanted, 2e-7 * std::fabs(wanted)) << x;
  }
  EXPECT_EQ(elementary::log<double>(1.0), 0.0);
  EXPECT_EQ(elementary::log<float>(1.0f), 0.0f);
}

TEST(Elementary, LogarithmOfAComplementKeepsTinyProbabilities) {
  for (double p = 1e-300; p < 1; p *= 1.7) {
    EXPECT_NEAR(elementary::log_complement(p) / std::log1p(-p), 1, 1e-15) << p;
  }
}

TEST(Elementary, TurnGivesCosineAndSineOfFullTurns) {
  for (int i = 0; i < 4096; ++i) {
    const double turns = i / 4096.0;
    const auto wide = elementary::turn<double>(turns);
    const long double angle = 2 * 3.14159265358979323846264338328L * turns;
    EXPECT_NEAR(wide.cosine, static_cast<double>(std::cos(angle)), 3e-16) << turns;
    EXPECT_NEAR(wide.sine, static_cast<double>(std::sin(angle)), 3e-16) << turns;
    const auto narrow = elementary::turn<float>(static_cast<float>(turns));
    EXPECT_NEAR(narrow.cosine, wide.cosine, 1.5e-7) << turns;
    EXPECT_NEAR(narrow.sine, wide.sine, 1.5e-7) << turns;
  }
  EXPECT_EQ(elementary::turn<double>(0.25).sine, 1.0);
  EXPECT_EQ(elementary::turn<double>(0.5).cosine, -1.0);
}

TEST(Elementary, ExponentialCoversTheRangeOfDouble) {
  for (double x = -707; x < 709; x += 0.37) {
    EXPECT_NEAR(elementary::exp(x) / std::exp(x), 1, 1e-15) << x;
  }
  EXPECT_EQ(elementary::exp(0), 1.0);
  EXPECT_EQ(elementary::exp(800), std::numeric_limits<double>::infinity());
  EXPECT_EQ(elementary::exp(-std::numeric_limits<double>::infinity()), 0.0);
  EXPECT_GT(elementary::exp(-740), 0.0);
  EXPECT_TRUE(std::isnan(elementary::exp(std::nan(""))));
}

}  // namespace
}  // namespace moai::device
