#include "moai/compiler/cost/fetched_bytes.h"

#include <gmock/gmock.h>

namespace moai::compiler::cost {
namespace {

constexpr Caches kCaches{.own = 8 * 4096, .shared = 32 * 4096};

std::vector<FetchedBytes> fetched(const std::string& text, const StorageBytes& begin) {
  graph::SignatureTable signatures;
  const auto window = graph::parse(text, &signatures);
  EXPECT_TRUE(window.ok()) << window.status().to_string();
  return fetched_bytes(*window, signatures, begin, kCaches);
}

// So many calls that each touch 4096 bytes which no other call does.
std::string others(int count) {
  std::string lines;
  for (int i = 0; i < count; ++i) {
    lines += "aten::sum.IntList_out(f32[1024] s" + std::to_string(100 + i) +
             ", [0], false, none, f32[]! s99) -> _\n";
  }
  return lines;
}
StorageBytes begin_with(int count, StorageBytes more) {
  more[99] = 4;
  for (int i = 0; i < count; ++i) more[static_cast<graph::StorageId>(100 + i)] = 4096;
  return more;
}

TEST(FetchedBytes, ACacheLosesWhatIsOlderThanItIsLarge) {
  EXPECT_EQ(lost_part(0, 100), 0);
  EXPECT_EQ(lost_part(50, 100), 0);
  EXPECT_EQ(lost_part(100, 100), 0.5);
  EXPECT_EQ(lost_part(150, 100), 1);
  EXPECT_EQ(lost_part(1e9, 0), 0) << "nobody knows how large it is";
}

TEST(FetchedBytes, CountsFromTheStepBefore) {
  const auto first = [](int count) {
    return fetched("aten::relu_(f32[1024]! s1) -> _\n" + others(count),
                   begin_with(count, {{1, 4096}}))[0];
  };
  EXPECT_EQ(first(0).beyond_own, 0);
  EXPECT_EQ(first(12).beyond_own, 2 * 4096) << "read and written";
  EXPECT_EQ(first(12).beyond_shared, 0);
  EXPECT_EQ(first(60).beyond_shared, 2 * 4096);
}

TEST(FetchedBytes, AResultHasTheMemoryThatWasFreedLast) {
  const std::string made =
      "s3 = aten::add.Tensor(f32[1024] s1, f32[1024] s1, intword 1) -> f32[1024]\n";
  const std::string freed = "aten::relu_(f32[1024]! s2) -> _\nfree s2\n";
  const auto bytes = [&](const std::string& text, size_t node) {
    return fetched(text, begin_with(16, {{1, 4096}, {2, 4096}}))[node].beyond_own;
  };
  EXPECT_EQ(bytes(freed + "aten::relu_(f32[1024]! s1) -> _\n" + made, 3), 0);
  EXPECT_EQ(bytes(freed + others(16) + "aten::relu_(f32[1024]! s1) -> _\n" + made, 19), 4096);
}

TEST(FetchedBytes, WhatACallMissesByItselfIsInItsTimeAnyway) {
  EXPECT_EQ(fetched("aten::relu_(f32[65536]! s1) -> _\n", {{1, 262144}})[0].beyond_shared, 0);
}

}  // namespace
}  // namespace moai::compiler::cost
