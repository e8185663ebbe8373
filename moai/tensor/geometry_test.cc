#include "moai/tensor/geometry.h"

#include <gtest/gtest.h>

namespace moai::tensor {
namespace {

Geometry of(const char* text) {
  const auto g = geometry_from_string(text);
  EXPECT_TRUE(g) << text;
  return g.value_or(Geometry{});
}

std::string encoded(const Geometry& g) {
  std::string bytes;
  Writer out(&bytes);
  encode(g, &out);
  return bytes;
}

bool decodes(const Geometry& g) {
  const std::string bytes = encoded(g);
  Reader in(bytes);
  const Geometry back = decode_geometry(&in);
  EXPECT_TRUE(!in.ok() || (in.done() && back == g));
  return in.ok();
}

TEST(Geometry, TextParsesBack) {
  for (const char* text : {"f32[2,3]", "f32[]", "bf16[0]", "i64[2,3]{1,2}", "bool[4]+7",
                           "c64[2,2]{0,1}+4*-wh", "f8e4m3fn[1]h", "u64[2,0,3]{9,9,9}"}) {
    EXPECT_EQ(to_string(of(text)), text);
    EXPECT_TRUE(decodes(of(text))) << text;
  }
}

TEST(Geometry, OtherTextIsRefused) {
  for (const char* text : {"", "f32", "f32[", "f32[2", "g32[2]", "f32[2]{1", "f32[2]{1,2}",
                           "f32[x]", "f32[2]+", "f32[2]+x", "f32[2]?", "f32[-1]", "f32[2]{-1}",
                           "f32[2]+-3", "f32[9223372036854775807,2]", "f32[4611686018427387904]"}) {
    EXPECT_FALSE(geometry_from_string(text)) << text;
  }
}

TEST(Geometry, CountsElementsAndBytes) {
  EXPECT_EQ(element_count(of("f32[2,3]")), 6);
  EXPECT_EQ(element_count(of("f32[]")), 1);
  EXPECT_EQ(element_count(of("f32[2,0]")), 0);
  EXPECT_EQ(storage_bytes(of("f32[2,3]")), 24);
  EXPECT_EQ(storage_bytes(of("f32[2,3]{1,2}+4")), 40);
  EXPECT_EQ(storage_bytes(of("f32[5]{0}+1")), 8);
  EXPECT_EQ(storage_bytes(of("c128[2,0]+9")), 0);
}

TEST(Geometry, OverflowIsNegative) {
  const int64_t big = int64_t{1} << 40;
  const Geometry g{.sizes = {big, big}, .strides = {big, 1}};
  EXPECT_EQ(element_count(g), -1);
  EXPECT_EQ(storage_bytes({.sizes = {big}, .strides = {big}}), -1);
  EXPECT_FALSE(decodes(g));
}

TEST(Geometry, KnowsContiguity) {
  EXPECT_TRUE(is_contiguous(of("f32[2,3]+4")));
  EXPECT_TRUE(is_contiguous(of("f32[2,1,3]{3,77,1}")));
  EXPECT_TRUE(is_contiguous(of("f32[2,0]{1,1}")));
  EXPECT_FALSE(is_contiguous(of("f32[2,3]{1,2}")));
  EXPECT_FALSE(is_contiguous(of("f32[2]{0}")));
  const int64_t big = int64_t{1} << 40;
  EXPECT_TRUE(is_contiguous({.sizes = {0, big, big}, .strides = {1, 1, 1}}));
  EXPECT_EQ(contiguous_strides({2, 0, 3}), (std::vector<int64_t>{3, 3, 1}));
  EXPECT_EQ(contiguous_strides({0, big, big}).size(), 3u);
}

TEST(Geometry, HashSeesEveryField) {
  const uint64_t h = hash(of("f32[2,3]"));
  EXPECT_EQ(h, hash(of("f32[2,3]{3,1}")));
  for (const char* text :
       {"i32[2,3]", "f32[3,2]", "f32[6]", "f32[2,3]{1,2}", "f32[2,3]+1", "f32[2,3]w"}) {
    EXPECT_NE(h, hash(of(text))) << text;
  }
}

TEST(Geometry, HostileBytesAreRefused) {
  EXPECT_FALSE(decodes({.dtype = static_cast<DType>(12)}));
  EXPECT_FALSE(decodes({.flags = 16}));
  EXPECT_FALSE(decodes({.sizes = {-1}, .strides = {1}}));
  EXPECT_FALSE(decodes({.sizes = {1}, .strides = {-1}}));
  EXPECT_FALSE(decodes({.offset = -1}));
  EXPECT_FALSE(
      decodes({.sizes = std::vector<int64_t>(129, 1), .strides = std::vector<int64_t>(129, 1)}));
  EXPECT_TRUE(
      decodes({.sizes = std::vector<int64_t>(128, 1), .strides = std::vector<int64_t>(128, 1)}));
  const std::string bytes = encoded(of("f32[2,3]+4"));
  for (size_t n = 0; n < bytes.size(); ++n) {
    Reader in(std::string_view(bytes).substr(0, n));
    (void)decode_geometry(&in);
    EXPECT_FALSE(in.ok()) << n;
  }
}

}  // namespace
}  // namespace moai::tensor
