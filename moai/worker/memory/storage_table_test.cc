#include "moai/worker/memory/storage_table.h"

#include <gtest/gtest.h>

#include <map>
#include <random>

namespace moai::worker {
namespace {

TEST(StorageTable, FindsWhatWasInsertedAndNothingElse) {
  StorageTable table;
  EXPECT_EQ(table.find(7), nullptr);
  Storage* storage = table.insert(7, 64);
  ASSERT_NE(storage, nullptr);
  EXPECT_EQ(storage->id, 7u);
  EXPECT_EQ(storage->size_bytes, 64u);
  EXPECT_EQ(table.find(7), storage);
  EXPECT_EQ(table.find(8), nullptr);
  EXPECT_EQ(table.find(0), nullptr);
  EXPECT_EQ(table.size(), 1u);
}

TEST(StorageTable, RefusesAnIdThatExistsAndZero) {
  StorageTable table;
  EXPECT_NE(table.insert(7, 1), nullptr);
  EXPECT_EQ(table.insert(7, 1), nullptr);
  EXPECT_EQ(table.insert(0, 1), nullptr);
  EXPECT_EQ(table.size(), 1u);
}

TEST(StorageTable, ErasedStoragesAreGoneWithTheirContent) {
  StorageTable table;
  const auto cause = std::make_shared<const Cause>();
  table.insert(7, 1)->poison = cause;
  EXPECT_TRUE(table.erase(7));
  EXPECT_FALSE(table.erase(7));
  EXPECT_EQ(table.find(7), nullptr);
  EXPECT_EQ(cause.use_count(), 1);
  EXPECT_EQ(table.insert(7, 2)->poison, nullptr) << "the place is clean when it is used again";
}

TEST(StorageTable, AStorageStaysWhereItIsWhileTheTableGrows) {
  StorageTable table;
  Storage* first = table.insert(1, 1);
  for (StorageId id = 2; id < 10'000; ++id) table.insert(id, id);
  EXPECT_EQ(table.find(1), first);
  for (StorageId id = 2; id < 10'000; ++id) ASSERT_EQ(table.find(id)->size_bytes, id);
}

TEST(StorageTable, EachIsSeenOnce) {
  StorageTable table;
  for (StorageId id = 1; id <= 3000; ++id) table.insert(id, id);
  for (StorageId id = 1; id <= 1000; ++id) table.erase(id);
  uint64_t seen = 0, sum = 0;
  table.each([&](Storage* s) {
    ++seen;
    sum += s->id;
  });
  EXPECT_EQ(seen, 2000u);
  EXPECT_EQ(sum, 2000u * (1001 + 3000) / 2);
}

TEST(StorageTable, AgreesWithAMapOverRandomOperations) {
  std::mt19937_64 random(5);
  StorageTable table;
  std::map<StorageId, uint64_t> expected;
  for (int i = 0; i < 200'000; ++i) {
    // Few ids that collide often: multiples of a power of two.
    const StorageId id = (random() % 3000 + 1) << (random() % 2 * 20);
    if (random() % 2) {
      EXPECT_EQ(table.insert(id, id + 1) != nullptr, expected.emplace(id, id + 1).second);
    } else {
      EXPECT_EQ(table.erase(id), expected.erase(id) == 1);
    }
  }
  ASSERT_EQ(table.size(), expected.size());
  for (const auto& [id, size] : expected) {
    ASSERT_NE(table.find(id), nullptr);
    EXPECT_EQ(table.find(id)->size_bytes, size);
  }
}

}  // namespace
}  // namespace moai::worker
