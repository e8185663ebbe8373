#include "moai/toolkit/plan/quantities.h"

#include <gtest/gtest.h>

namespace moai::toolkit {
namespace {

TEST(Quantities, ThreeDigits) {
  EXPECT_EQ(seconds_text(2.414), "2.41 s");
  EXPECT_EQ(seconds_text(0.0123), "12.3 ms");
  EXPECT_EQ(seconds_text(0.00087), "870 us");
  EXPECT_EQ(seconds_text(0.9999), "1.00 s");
  EXPECT_EQ(seconds_text(0), "0.00 us");
  EXPECT_EQ(bytes_text(96), "96 B");
  EXPECT_EQ(bytes_text(1536), "1.50 KiB");
  EXPECT_EQ(bytes_text(uint64_t{812} << 20), "812 MiB");
  EXPECT_EQ(bytes_text((uint64_t{1} << 30) + (uint64_t{1} << 28)), "1.25 GiB");
  EXPECT_EQ(bytes_text(uint64_t{2048} << 50), "2048 PiB");
}

}  // namespace
}  // namespace moai::toolkit
