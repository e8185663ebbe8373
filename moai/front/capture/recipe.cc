#include "moai/front/capture/recipe.h"

#include <ATen/EmptyTensor.h>

namespace moai::front {

TensorShape TensorShape::of(const at::Tensor& tensor) {
  TensorShape shape;
  shape.defined = tensor.defined();
  if (!shape.defined) return shape;
  shape.dtype = tensor.dtype();
  shape.sizes = tensor.sizes().vec();
  shape.strides = tensor.strides().vec();
  shape.offset = tensor.storage_offset();
  shape.conj = tensor.is_conj();
  shape.neg = tensor.is_neg();
  return shape;
}

uint64_t TensorShape::storage_bytes() const {
  return at::detail::computeStorageNbytes(sizes, strides, dtype.itemsize(),
                                          static_cast<size_t>(offset));
}

size_t RecipeCache::Hash::operator()(const Key& key) const {
  uint64_t h = 0x9e3779b97f4a7c15u + key.size();
  for (const uint64_t word : key) {
    h = (h ^ word) * 0xff51afd7ed558ccdu;
    h ^= h >> 32;
  }
  return h;
}

std::shared_ptr<const Recipe> RecipeCache::find(const Key& key) {
  const std::lock_guard lock(mutex_);
  if (const auto it = young_.find(key); it != young_.end()) {
    ++counters_.hits;
    return it->second;
  }
  if (const auto it = old_.find(key); it != old_.end()) {
    ++counters_.hits;
    auto recipe = std::move(it->second);
    old_.erase(it);
    add(key, recipe);
    return recipe;
  }
  ++counters_.misses;
  return nullptr;
}

void RecipeCache::insert(const Key& key, std::shared_ptr<const Recipe> recipe) {
  const std::lock_guard lock(mutex_);
  add(key, std::move(recipe));
}

void RecipeCache::add(const Key& key, std::shared_ptr<const Recipe> recipe) {
  if (young_.size() >= capacity_ / 2) {
    old_ = std::move(young_);
    young_.clear();
  }
  young_[key] = std::move(recipe);
}

void RecipeCache::clear() {
  const std::lock_guard lock(mutex_);
  young_.clear();
  old_.clear();
}

RecipeCache::Counters RecipeCache::counters() const {
  const std::lock_guard lock(mutex_);
  Counters c = counters_;
  c.size = young_.size() + old_.size();
  return c;
}

}  // namespace moai::front
