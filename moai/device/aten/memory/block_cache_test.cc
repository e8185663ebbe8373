#include "moai/device/aten/memory/block_cache.h"

#include <gtest/gtest.h>

#include <cstring>
#include <random>
#include <thread>
#include <vector>

namespace moai::device {
namespace {

constexpr uint64_t kMiB = uint64_t{1} << 20;

TEST(BlockCache, BlocksAreAlignedAndDistinct) {
  BlockCache cache;
  std::vector<void*> blocks;
  for (uint64_t size : {0, 1, 63, 64, 65, 1000, 4096, 100'000}) {
    void* block = cache.allocate(size);
    ASSERT_NE(block, nullptr);
    EXPECT_EQ(reinterpret_cast<uintptr_t>(block) % BlockCache::kAlignment, 0u);
    std::memset(block, 0x5a, size);
    blocks.push_back(block);
  }
  for (void* block : blocks) cache.free(block);
  EXPECT_EQ(cache.figures().live, 0u);
}

TEST(BlockCache, CountsTheBytesAskedFor) {
  BlockCache cache;
  void* a = cache.allocate(1000);
  void* b = cache.allocate(50);
  EXPECT_EQ(cache.figures().live, 1050u);
  cache.free(a);
  EXPECT_EQ(cache.figures().live, 50u);
  EXPECT_EQ(cache.figures().peak, 1050u);
  EXPECT_GE(cache.figures().reserved, 1050u);
  cache.reset_peak();
  EXPECT_EQ(cache.figures().peak, 50u);
  cache.free(b);
  cache.free(nullptr);
}

TEST(BlockCache, GivesAFreedBlockOutAgain) {
  BlockCache cache;
  void* first = cache.allocate(10 * kMiB);
  cache.free(first);
  EXPECT_EQ(cache.allocate(10 * kMiB - 5), first) << "of the same class";
  cache.free(first);
}

TEST(BlockCache, AClassWastesAtMostAnEighth) {
  BlockCache cache;
  for (uint64_t size = 1024; size < kMiB; size += 999) {
    void* block = cache.allocate(size);
    EXPECT_LE(cache.figures().reserved, size + size / 8 + 64) << size;
    cache.free(block);
    cache.trim(0);
    EXPECT_EQ(cache.figures().reserved, 0u);
  }
}

TEST(BlockCache, RefusesWhatExceedsTheLimit) {
  BlockCache cache(1000);
  void* block = cache.allocate(600);
  EXPECT_EQ(cache.allocate(401), nullptr);
  EXPECT_EQ(cache.allocate(~uint64_t{0}), nullptr);
  cache.free(block);
  block = cache.allocate(1000);
  EXPECT_NE(block, nullptr);
  cache.free(block);
  cache.set_limit(0);
  block = cache.allocate(5000);
  EXPECT_NE(block, nullptr);
  cache.free(block);
}

TEST(BlockCache, WhatIsKeptIsBounded) {
  BlockCache cache;
  // Never more than 10 MiB live, in ever new classes.
  for (uint64_t size = 64; size <= 10 * kMiB; size += size / 8 + 64) {
    cache.free(cache.allocate(size));
    EXPECT_LE(cache.figures().reserved, 2 * cache.figures().peak + 64 * kMiB);
  }
  for (uint64_t size = 9 * kMiB; size > kMiB; size -= 64 * 1024) {
    cache.free(cache.allocate(size));
  }
  EXPECT_LE(cache.figures().reserved, 84 * kMiB);
}

TEST(BlockCache, KeepsNoMoreThanTheLimit) {
  BlockCache cache(8 * kMiB);
  for (uint64_t size = kMiB; size <= 8 * kMiB; size += kMiB) cache.free(cache.allocate(size));
  EXPECT_LE(cache.figures().reserved, 8 * kMiB + kMiB);
}

TEST(BlockCache, ManyThreadsMayUseIt) {
  BlockCache cache;
  std::vector<std::thread> threads;
  for (unsigned seed = 0; seed < 4; ++seed) {
    threads.emplace_back([&, seed] {
      std::mt19937 random(seed);
      std::vector<std::pair<char*, size_t>> mine;
      for (int i = 0; i < 5000; ++i) {
        if (random() % 2 || mine.empty()) {
          const size_t size = random() % 5000 + 1;
          auto* block = static_cast<char*>(cache.allocate(size));
          std::memset(block, static_cast<int>(seed), size);
          mine.emplace_back(block, size);
        } else {
          const auto [block, size] = mine.back();
          for (size_t at = 0; at < size; ++at) ASSERT_EQ(block[at], static_cast<char>(seed));
          cache.free(block);
          mine.pop_back();
        }
      }
      for (const auto& [block, size] : mine) cache.free(block);
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(cache.figures().live, 0u);
}

}  // namespace
}  // namespace moai::device
