#include "moai/front/device/settings.h"

#include <gtest/gtest.h>

#include <cstdlib>

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

TEST(SettingsTest, WindowsAreCompiledForThoseWhoAskAndMayBeForOthers) {
  struct Row {
    const char* value;
    bool compiles, may_compile;
  };
  for (const Row& row :
       {Row{"", false, true}, {"on", true, true}, {"1", true, true}, {"off", false, false}}) {
    ::setenv("MOAI_COMPILE", row.value, 1);
    EXPECT_EQ(read_settings().compiles, row.compiles) << row.value;
    EXPECT_EQ(read_settings().may_compile, row.may_compile) << row.value;
  }
  ::unsetenv("MOAI_COMPILE");
}

TEST(SettingsTest, WhetherExchangesOverlapIsLeftToTheDescriptionUnlessSaid) {
  EXPECT_EQ(read_settings().overlaps, std::nullopt);
  for (const bool overlaps : {false, true}) {
    ::setenv("MOAI_OVERLAP", overlaps ? "1" : "0", 1);
    EXPECT_EQ(read_settings().overlaps, overlaps);
  }
  ::unsetenv("MOAI_OVERLAP");
}

TEST(SettingsTest, PlansAreSearchedForUnlessThatIsForbidden) {
  struct Row {
    const char *search, *advanced;
    bool searches, tells;
  };
  for (const Row& row : {Row{"", "", true, false},
                         {"0", "", false, false},
                         {"", "1", true, true},
                         {"", "0", false, false},
                         {"0", "1", false, true},
                         {"1", "0", true, false}}) {
    ::setenv("MOAI_PLAN_SEARCH", row.search, 1);
    ::setenv("MOREH_ENABLE_ADVANCED_PARALLELIZATION", row.advanced, 1);
    EXPECT_EQ(read_settings().searches_plan, row.searches) << row.search << "," << row.advanced;
    EXPECT_EQ(read_settings().tells_search, row.tells) << row.search << "," << row.advanced;
  }
  ::unsetenv("MOAI_PLAN_SEARCH");
  ::unsetenv("MOREH_ENABLE_ADVANCED_PARALLELIZATION");
}

}  // namespace
}  // namespace moai::front
