#include "moai/driver/record/slot_map.h"

#include <gtest/gtest.h>

namespace moai::driver {
namespace {

TEST(SlotMap, NumbersInOrderOfFirstUse) {
  SlotMap map;
  EXPECT_EQ(map.slot(70), 0u);
  EXPECT_EQ(map.slot(7), 1u);
  EXPECT_EQ(map.slot(70), 0u);
  EXPECT_EQ(map.storages(), (std::vector<graph::StorageId>{70, 7}));
  EXPECT_EQ(map.find(7), 1u);
  EXPECT_EQ(map.find(8), std::nullopt);
}

TEST(SlotMap, GrowsWithoutForgetting) {
  SlotMap map;
  for (graph::StorageId id = 1; id <= 5000; ++id) ASSERT_EQ(map.slot(id * 1024), id - 1);
  for (graph::StorageId id = 1; id <= 5000; ++id) ASSERT_EQ(map.slot(id * 1024), id - 1);
  EXPECT_EQ(map.storages().size(), 5000u);
}

TEST(SlotMap, BeginsAnewAfterClear) {
  SlotMap map;
  map.slot(5);
  map.clear();
  EXPECT_EQ(map.find(5), std::nullopt);
  EXPECT_EQ(map.slot(6), 0u);
  EXPECT_EQ(map.slot(5), 1u);
}

}  // namespace
}  // namespace moai::driver
