#include "moai/graph/window.h"

#include <gtest/gtest.h>

namespace moai::graph {
namespace {

constexpr const char* kText =
    "alloc s7 4096\n"
    "s9 = aten::add.Tensor(f32[2,3] s7, f32[2,3] s8, word 1.0) -> f32[2,3]    @12\n"
    "aten::mul_.Tensor(f32[2,3]! s9, f32[2,3] s9) -> _    @13\n"
    "resize s7 8192\n"
    "s10, s11 = aten::split(f32[2,3] s9, 1) -> (f32[1,3], f32[1,3])\n"
    "free s7\n";

Window parsed(std::string_view text, SignatureTable* signatures) {
  auto w = parse(text, signatures);
  EXPECT_TRUE(w.ok()) << w.status().to_string();
  return w.ok() ? std::move(w).value() : Window{};
}

uint64_t hash_of(std::string_view text) {
  SignatureTable signatures;
  return window_hash(parsed(text, &signatures), signatures);
}

Status verified(std::string_view text) {
  SignatureTable signatures;
  return verify(parsed(text, &signatures), signatures);
}

TEST(Window, TextRoundTrips) {
  SignatureTable signatures;
  const Window w = parsed(kText, &signatures);
  EXPECT_EQ(w.nodes.size(), 6u);
  EXPECT_EQ(signatures.size(), 3u);
  EXPECT_EQ(print(w, signatures), kText);
  EXPECT_TRUE(verify(w, signatures).ok());
}

TEST(Window, ParseNamesTheBadLine) {
  SignatureTable signatures;
  for (const char* text : {"# note\n\nalloc 7\n", "\n\nfree\n", "\n\nfree s1 2", "\n\nresize s1",
                           "\n\naten::relu(f32[2])\n"}) {
    const auto w = parse(text, &signatures);
    ASSERT_FALSE(w.ok()) << text;
    EXPECT_NE(w.status().message().find("line 3"), std::string::npos) << w.status().message();
  }
}

TEST(Window, ClearEmptiesIt) {
  SignatureTable signatures;
  Window w = parsed(kText, &signatures);
  w.clear();
  EXPECT_TRUE(w.empty());
  EXPECT_TRUE(w.storages.empty());
  EXPECT_TRUE(w.words.empty());
}

TEST(Window, VerifyRefusesUseAfterRelease) {
  EXPECT_TRUE(verified("free s1\n").ok());
  EXPECT_FALSE(verified("free s1\nfree s1\n").ok());
  EXPECT_FALSE(verified("free s1\nresize s1 8\n").ok());
  EXPECT_FALSE(verified("free s1\naten::relu_(f32[2]! s1) -> _\n").ok());
}

TEST(Window, VerifyRefusesMakingTwice) {
  EXPECT_FALSE(verified("alloc s1 8\nalloc s1 8\n").ok());
  EXPECT_FALSE(verified("alloc s1 8\nfree s1\nalloc s1 8\n").ok());
  EXPECT_FALSE(verified("s1 = aten::relu(f32[2] s1) -> f32[2]\n").ok());
  EXPECT_TRUE(verified("s0 = aten::relu(f32[0] s0) -> f32[0]\n").ok());
}

TEST(Window, VerifyChecksCountsAgainstSignatures) {
  SignatureTable signatures;
  const Window good = parsed("s2 = aten::add(f32[2] s1, word 2.0) -> f32[2]\n", &signatures);
  Window w = good;
  w.nodes[0].storages_count = 1;
  EXPECT_FALSE(verify(w, signatures).ok());
  w = good;
  w.nodes[0].words_count = 0;
  EXPECT_FALSE(verify(w, signatures).ok());
  w = good;
  w.nodes[0].signature = 1;
  EXPECT_FALSE(verify(w, signatures).ok());
  w = good;
  w.nodes[0].storages_begin = 2;
  EXPECT_FALSE(verify(w, signatures).ok());
  w = good;
  w.nodes[0].kind = static_cast<NodeKind>(4);
  EXPECT_FALSE(verify(w, signatures).ok());
}

TEST(Window, VersionsCountWrites) {
  SignatureTable signatures;
  const Window w = parsed(kText, &signatures);
  const std::vector<std::vector<uint32_t>> expected = {{1}, {1, 0, 1}, {2, 1}, {2}, {2, 1, 1}, {2}};
  EXPECT_EQ(storage_versions(w, signatures), expected);
}

TEST(Window, HashIgnoresWordsReleasesLinesAndNames) {
  const uint64_t h = hash_of("s9 = aten::add(f32[2] s7, f32[2] s8, word 1.0) -> f32[2]    @1\n");
  EXPECT_EQ(h, hash_of("s3 = aten::add(f32[2] s2, f32[2] s1, word 5.0) -> f32[2]\nfree s2\n"));
  EXPECT_EQ(h, hash_of("free s1\ns9 = aten::add(f32[2] s7, f32[2] s8, word 1.0) -> f32[2]\n"));
  EXPECT_EQ(hash_of("alloc s1 8\n"), hash_of("alloc s2 16\n"));
}

TEST(Window, HashSeesStructureGeometryAndAttributes) {
  const uint64_t h = hash_of("s9 = aten::add(f32[2] s7, f32[2] s8, 1) -> f32[2]\n");
  for (const char* other : {"s9 = aten::add(f32[2] s7, f32[2] s7, 1) -> f32[2]\n",
                            "s9 = aten::add(f32[2] s7, f32[2] s0, 1) -> f32[2]\n",
                            "s9 = aten::add(f32[2] s7, f32[1] s8, 1) -> f32[2]\n",
                            "s9 = aten::add(f32[2] s7, f32[2] s8, 2) -> f32[2]\n",
                            "s9 = aten::sub(f32[2] s7, f32[2] s8, 1) -> f32[2]\n"}) {
    EXPECT_NE(h, hash_of(other)) << other;
  }
  EXPECT_NE(hash_of("alloc s1 8\n"), hash_of("resize s1 8\n"));
}

}  // namespace
}  // namespace moai::graph
