#include "moai/agent/spawn/cpu_sets.h"

#include <gtest/gtest.h>

namespace moai::agent {
namespace {

using Sets = std::vector<std::vector<int>>;

TEST(CpuSetsTest, EachDeviceHasItsSet) {
  EXPECT_EQ(*parse_cpu_sets("0-3,8;4-7"), (Sets{{0, 1, 2, 3, 8}, {4, 5, 6, 7}}));
  EXPECT_EQ(*parse_cpu_sets("5"), Sets{{5}});
  EXPECT_EQ(*parse_cpu_sets(""), Sets{});
  EXPECT_EQ(*parse_cpu_sets(";1"), (Sets{{}, {1}})) << "device 0 may run everywhere";
}

TEST(CpuSetsTest, NonsenseIsRefusedByName) {
  for (const char* text : {"a", "1-", "-1", "3-1", "0,,1", "1024", "0-99999999999"}) {
    const Status status = parse_cpu_sets(text).status();
    EXPECT_EQ(status.code(), Code::kInvalidArgument) << text;
  }
}

}  // namespace
}  // namespace moai::agent
