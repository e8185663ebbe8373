#include "moai/front/capture/recipe.h"

#include <gtest/gtest.h>

namespace moai::front {
namespace {

std::shared_ptr<const Recipe> recipe(graph::SignatureId signature) {
  auto r = std::make_shared<Recipe>();
  r->signature = signature;
  return r;
}

TEST(RecipeTest, FindsWhatWasInserted) {
  RecipeCache cache(8);
  EXPECT_EQ(cache.find({1, 2}), nullptr);
  cache.insert({1, 2}, recipe(7));
  ASSERT_NE(cache.find({1, 2}), nullptr);
  EXPECT_EQ(cache.find({1, 2})->signature, 7u);
  EXPECT_EQ(cache.find({2, 1}), nullptr);
  EXPECT_EQ(cache.counters().hits, 2u);
  EXPECT_EQ(cache.counters().misses, 2u);
}

TEST(RecipeTest, StaysBoundedAndKeepsWhatIsUsed) {
  RecipeCache cache(16);
  cache.insert({0}, recipe(0));
  for (uint64_t i = 1; i < 1000; ++i) {
    cache.insert({i}, recipe(static_cast<graph::SignatureId>(i)));
    ASSERT_NE(cache.find({0}), nullptr) << "after " << i;
  }
  EXPECT_LE(cache.counters().size, 17u);
  EXPECT_EQ(cache.find({1}), nullptr);
}

TEST(RecipeTest, ShapeCountsTheBytesItsStorageNeeds) {
  const at::Tensor t = at::empty({2, 3}, at::kFloat);
  EXPECT_EQ(TensorShape::of(t).storage_bytes(), 24u);
  EXPECT_EQ(TensorShape::of(t.select(0, 1)).storage_bytes(), 24u);
  EXPECT_EQ(TensorShape::of(at::empty({0, 3})).storage_bytes(), 0u);
  EXPECT_FALSE(TensorShape::of({}).defined);
}

}  // namespace
}  // namespace moai::front
