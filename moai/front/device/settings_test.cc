#include "moai/front/device/settings.h"

#include <gtest/gtest.h>

namespace moai::front {
namespace {

TEST(SettingsTest, SizesTakeBinaryUnits) {
  EXPECT_EQ(parse_size("1073741824"), uint64_t{1} << 30);
  EXPECT_EQ(parse_size("8GiB"), uint64_t{8} << 30);
  EXPECT_EQ(parse_size("1.5MiB"), uint64_t{3} << 19);
  EXPECT_EQ(parse_size("2K"), 2048u);
}

TEST(SettingsTest, WhatIsNoSizeIsZero) {
  EXPECT_EQ(parse_size(""), 0u);
  EXPECT_EQ(parse_size("many"), 0u);
  EXPECT_EQ(parse_size("-1"), 0u);
  EXPECT_EQ(parse_size("3 parsecs"), 0u);
}

TEST(SettingsTest, MemoryAndNameAreKnownWithoutAnything) {
  const Settings settings = read_settings();
  EXPECT_GT(settings.memory_bytes, 0u);
  EXPECT_FALSE(settings.device_name.empty());
}

}  // namespace
}  // namespace moai::front
